# A folder may include its own headers and those of the folders below it (checked in make check); this is the order, from
# the bottom. src/README.md is the tour.
EXTRA_DIST += src/README.md
include src/base/local.mk
include src/decide/local.mk
include src/proto/local.mk
include src/conf/local.mk
include src/route/local.mk
include src/net/local.mk
include src/proxy/local.mk
include src/export/local.mk
include src/report/local.mk
include src/control/local.mk
include src/cli/local.mk
