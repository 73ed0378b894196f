dist_bashcompletion_DATA += contrib/completions/penstock.bash
dist_zshcompletion_DATA += contrib/completions/_penstock
dist_examples_DATA += contrib/systemd/penstock.service
