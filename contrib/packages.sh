# Debian packages, for contrib/quickstart and contrib/test; sourced by both.
# shellcheck shell=bash disable=SC2034

# what `./configure && make` needs
build_packages=(
    autoconf automake gcc libc6-dev make pkg-config
    libcurl4-openssl-dev libevent-dev libisal-dev libjansson-dev libnghttp2-dev libsqlite3-dev libssl-dev libyaml-dev
    zlib1g-dev libjs-dygraphs
)
# what the program reads at run time
run_packages=(tzdata)
# what the suite needs: its library, its language, the real peers, and tools that look at the program from outside
test_packages=(
    check python3 python3-jsonschema python3-yaml
    curl goaccess haproxy nginx-light nghttp2-client nodejs prometheus prometheus-alertmanager rsyslog sqlite3 wrk
    binutils procps strace xz-utils
)

missing_packages()
{
    local package

    for package in "$@"; do
        case $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) printf '%s\n' "$package" ;;
        esac
    done
}

# Installs what is missing of the named packages; silent, and without the network, when nothing is.
install_packages()
{
    local missing as_root=()

    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian: please see to it that these are there: $*" >&2
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "As root, please install: ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "Installing ${missing[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    "${as_root[@]}" update </dev/null &&
        "${as_root[@]}" install --no-install-recommends "${missing[@]}" </dev/null
}
