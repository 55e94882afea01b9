# Example policies over the JSON of a phift plan: `phift plan SPEC --format json`, format 1.
#
#     conftest test plan.json --policy docs/policy --data docs/policy/limits.json
#     opa eval --input plan.json --data docs/policy 'data.main.deny'
#
# The limits are in limits.json. A resource that the plan only deletes or leaves unchanged is judged as well: a policy is
# about what the spec wants.
package main

import rego.v1

limits := data.limits

production if input.target in limits.production

wanted contains resource if {
	some resource in input.resources
	resource.action != "delete"
}

size_of(resource) := resource.desired.size

size_of(resource) := resource.desired.instance_type

# An error, or a document of several plans, has none of what the rules read: they would pass.
deny contains msg if {
	not input.resources
	msg := "this is not the plan of one stack"
}

# Regions: that of the workspace and those of clusters.
deny contains msg if {
	not input.cost.region in limits.regions
	msg := sprintf("the workspace is in %s; allowed: %s", [input.cost.region, concat(", ", limits.regions)])
}

deny contains msg if {
	some resource in wanted
	region := resource.desired.location
	not region in limits.regions
	msg := sprintf("%s is in %s; allowed: %s", [resource.address, region, concat(", ", limits.regions)])
}

# VM sizes, for training and serving.
deny contains msg if {
	some resource in wanted
	size := size_of(resource)
	not size in limits.sizes
	msg := sprintf("%s uses %s, which is not an approved size", [resource.address, size])
}

# Serverless training has no cluster in the plan.
deny contains msg if {
	some resource in wanted
	startswith(resource.details.compute, "serverless:")
	size := trim_prefix(resource.details.compute, "serverless:")
	not size in limits.sizes
	msg := sprintf("%s uses %s, which is not an approved size", [resource.address, size])
}

# Existing clusters that the spec names, and steps on serverless compute, are in the cost.
deny contains msg if {
	some line in input.cost.lines
	not line.stops
	line.size != ""
	not line.size in limits.sizes
	msg := sprintf("%s uses %s, which is not an approved size", [line.address, line.size])
}

# Tags of what is billed.
deny contains msg if {
	some resource in wanted
	size_of(resource)
	some tag in limits.tags
	not resource.desired.tags[tag]
	msg := sprintf("%s lacks the tag %s", [resource.address, tag])
}

# Production: endpoints are protected and use tokens, not keys.
deny contains msg if {
	production
	some resource in wanted
	mode := resource.desired.auth_mode
	mode == "key"
	msg := sprintf("%s uses keys; production requires auth_mode: aad_token or aml_token", [resource.address])
}

deny contains msg if {
	production
	some resource in wanted
	resource.desired.auth_mode
	not resource.protect
	msg := sprintf("%s is not protected; production requires protect: true", [resource.address])
}

# GPUs of one job.
deny contains msg if {
	some resource in wanted
	resource.action == "run"
	resource.details.gpus > limits.gpus
	msg := sprintf("%s trains on %d GPUs; at most %d are allowed", [resource.address, resource.details.gpus, limits.gpus])
}

# Budget. The high end counts: an estimate is not a promise.
deny contains msg if {
	input.cost.apply.high > limits.usd_per_apply
	msg := sprintf("the apply may cost %v USD; at most %v are allowed", [input.cost.apply.high, limits.usd_per_apply])
}

deny contains msg if {
	input.cost.per_month.after > limits.usd_per_month
	input.cost.per_month.difference > 0
	msg := sprintf("afterwards %v USD a month; at most %v are allowed", [input.cost.per_month.after, limits.usd_per_month])
}

# A spec can state prices; those below the listed ones lower what the rules above see.
warn contains msg if {
	some line in input.cost.lines
	line.source == "spec"
	line.usd_per_hour < line.usd_per_hour_listed
	msg := sprintf("%s is priced by the spec at %v USD; listed: %v", [line.address, line.usd_per_hour, line.usd_per_hour_listed])
}

# What is unknown is shown to a person.
warn contains msg if {
	some address in array.concat(input.cost.apply.unknown, input.cost.per_month.unknown)
	msg := sprintf("the cost of %s is unknown", [address])
}

# Nothing in production is deleted without a look.
warn contains msg if {
	production
	some resource in input.resources
	resource.action in {"delete", "replace"}
	msg := sprintf("%s will be %sd in production: %s", [resource.address, resource.action, resource.reason])
}
