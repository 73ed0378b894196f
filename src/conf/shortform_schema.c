/* The JSON Schema of the short forms (conf/shortform): what they add to that of a plan. */
#include "conf/shortform.h"

#define REF(name) "{\"$ref\": \"#/$defs/" name "\"}"
#define MAP(keys) "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {" keys "}}"

#define LIMITS                                                                                               \
    "\"count\": " REF("limit") ", \"failureLimit\": " REF("limit") ", \"inconclusiveLimit\": " REF(          \
        "limit") ", \"consecutiveErrorLimit\": " REF("limit")
#define ARGO_ANALYSIS(more)                                                                                  \
    MAP("\"interval\": {\"type\": [\"number\", \"string\"]}, \"initialDelay\": {\"type\": [\"number\", "     \
        "\"string\"]}, " LIMITS more)
#define ARGO_STEP                                                                                            \
    "{\"type\": \"object\", \"additionalProperties\": false, \"minProperties\": 1, \"maxProperties\": 1, "   \
    "\"properties\": {\"setWeight\": {\"anyOf\": [{\"const\": 0}, {\"const\": \"0\"}, " REF(                 \
        "percent") "]}, "                                                                                    \
                   "\"pause\": {\"type\": [\"object\", \"null\"], \"additionalProperties\": false, "         \
                   "\"properties\": "                                                                        \
                   "{\"duration\": {\"type\": [\"number\", \"string\"]}}}, "                                 \
                   "\"analysis\": " ARGO_ANALYSIS(                                                           \
                       "") ", "                                                                              \
                           "\"setMirrorRoute\": " MAP(                                                       \
                               "\"name\": {\"type\": \"string\"}, \"percentage\": " REF(                     \
                                   "percent") ", "                                                           \
                                              "\"match\": {\"type\": \"array\"}") ", "                       \
                                                                                  "\"setHeaderRoute\":"      \
                                                                                  " " MAP("\"name\": "       \
                                                                                          "{\"type\": "      \
                                                                                          "\"string\"}, "    \
                                                                                          "\"match\": "      \
                                                                                          "{\"type\": "      \
                                                                                          "\"array\"}") "}}"
#define ARGO                                                                                                 \
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"canary\"], \"properties\": {"  \
    "\"canary\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"steps\"], "        \
    "\"properties\": {\"analysis\": " ARGO_ANALYSIS(", \"startingStep\": " REF(                              \
        "limit")) ", \"steps\": {\"type\": \"array\", \"items\": " ARGO_STEP "}}}}}"

const char shortform_schema
    [] = "{\"definitions\": {"
         "\"percent\": {\"anyOf\": [{\"type\": \"number\", \"minimum\": 0.01, \"maximum\": 100}, "
         "{\"type\": \"string\", \"pattern\": \"^[0-9.]+$|\\\\$\\\\{\"}]}, "
         "\"limit\": {\"anyOf\": [{\"type\": \"integer\"}, {\"type\": \"string\", \"pattern\": "
         "\"^-?[0-9]+$|\\\\$\\\\{\"}]}, "
         "\"minutes\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 527040}, "
         "{\"type\": \"string\", \"pattern\": \"^[0-9]+$|\\\\$\\\\{\"}]}}, "
         "\"plan\": {"
         "\"strategy\": {\"anyOf\": [{\"enum\": [\"CANARY\", \"LINEAR\", \"BLUE_GREEN\"]}, " ARGO "]}, "
         "\"canaryConfiguration\": " MAP(
             "\"canaryPercent\": " REF("percent") ", \"canaryBakeTimeInMinutes\": " REF(
                 "minutes")) ", "
                             "\"linearConfiguration\": " MAP(
                                 "\"stepPercent\": " REF("percent") ", \"stepBakeTimeInMinutes\": " REF(
                                     "minutes")) ", "
                                                 "\"canaryPercent\": " REF("percent") ", "
                                                                                      "\"canaryBakeTimeInMinu"
                                                                                      "tes\": " REF("minutes") ", "
                                                                                                               "\"stepPercent\": " REF("percent") ", \"stepBakeTimeInMinutes\": " REF(
                                                                                                                   "minutes") ", "
                                                                                                                              "\"bakeTimeInMinutes\": " REF(
                                                                                                                                  "minutes") ", \"terminationWaitTimeInMinutes\": " REF("minutes") ", "
                                                                                                                                                                                                   "\"deploymentConfigName\": {\"type\": \"string\", \"pattern\": \"^(CodeDeployDefault\\\\.)?"
                                                                                                                                                                                                   "(ECSCanary10Percent(5|15)Minutes|ECSLinear10PercentEvery[13]Minutes|ECSAllAtOnce)$\"}, "
                                                                                                                                                                                                   "\"TimeBasedCanary\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": "
                                                                                                                                                                                                   "[\"canaryPercentage\", \"canaryInterval\"], \"properties\": {\"canaryPercentage\": " REF("percent") ", "
                                                                                                                                                                                                                                                                                                        "\"canaryInterval\": " REF("minutes") "}}, "
                                                                                                                                                                                                                                                                                                                                              "\"TimeBasedLinear\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": "
                                                                                                                                                                                                                                                                                                                                              "[\"linearPercentage\", \"linearInterval\"], \"properties\": {\"linearPercentage\": " REF("percent") ", "
                                                                                                                                                                                                                                                                                                                                                                                                                                                   "\"linearInterval\": " REF(
                                                                                                                                                                                                                                                                                                                                                                                                                                                       "minutes") "}}}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "\"analysis\": {" LIMITS
                                                                                                                                                                                                                                                                                                                                                                                                                                                                  ", \"interval\": {\"type\": [\"number\", \"string\"]}, \"threshold\": {\"type\": [\"integer\", \"string\"]}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "\"stepWeight\": " REF("percent") ", \"stepWeights\": {\"type\": \"array\", \"items\": " REF(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "percent") "}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "\"maxWeight\": " REF(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "percent") "}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "\"metric\": {\"anyOf\": ["
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "{\"type\": \"object\", \"required\": [\"name\", \"thresholdRange\"], \"properties\": {\"name\": "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "{\"const\": \"request-success-rate\"}, \"thresholdRange\": {\"type\": \"object\", \"required\": "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "[\"min\"]}}}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "{\"type\": \"object\", \"required\": [\"name\", \"thresholdRange\"], \"properties\": {\"name\": "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "{\"const\": \"request-duration\"}, \"thresholdRange\": {\"type\": \"object\", \"required\": [\"max\"]}}}]}, "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "\"makers\": [\"strategy\", \"deploymentConfigName\", \"TimeBasedCanary\", \"TimeBasedLinear\"], "
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "\"strides\": [\"stepWeight\", \"stepWeights\"]}";
