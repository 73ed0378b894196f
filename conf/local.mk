# Examples: a configuration and plans, installed to be read and copied.
examplesdir = $(docdir)/examples
dist_examples_DATA = conf/penstock.yaml
plansdir = $(docdir)/examples/plans
dist_plans_DATA = \
	conf/plans/ec2-to-fargate.yaml \
	conf/plans/external.yaml \
	conf/plans/migration-1-test.yaml \
	conf/plans/migration-2-load.yaml \
	conf/plans/migration-3-staging.yaml \
	conf/plans/migration-4-production.yaml \
	conf/plans/reference.yaml
