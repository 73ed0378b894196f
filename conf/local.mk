# Examples: a configuration and plans, installed to be read and copied.
examplesdir = $(docdir)/examples
dist_examples_DATA = conf/penstock.yaml
plansdir = $(docdir)/examples/plans
dist_plans_DATA = \
	conf/plans/ec2-to-fargate.yaml
