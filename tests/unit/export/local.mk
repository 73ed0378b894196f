EXTRA_DIST += tests/unit/export/scene.h
unit_tests += \
	tests/unit/export/test_dogstatsd \
	tests/unit/export/test_emf \
	tests/unit/export/test_logfile \
	tests/unit/export/test_logforward \
	tests/unit/export/test_logformat \
	tests/unit/export/test_logreader \
	tests/unit/export/test_logshelf \
	tests/unit/export/test_logsink \
	tests/unit/export/test_logspans \
	tests/unit/export/test_logspool \
	tests/unit/export/test_msgpack \
	tests/unit/export/test_otlp \
	tests/unit/export/test_otlphold \
	tests/unit/export/test_prometheus \
	tests/unit/export/test_xray
