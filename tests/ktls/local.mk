# What the kernel encrypts (kTLS), in a virtual machine; a command of its own, because it needs an emulator and a kernel.
EXTRA_DIST += tests/ktls/cases tests/ktls/check tests/ktls/init tests/ktls/penstock.yaml
check-ktls: all
	$(srcdir)/tests/ktls/check $(abs_top_builddir)/penstock
.PHONY: check-ktls
