/* meta: the meta-schemas of 2020-12, which schemas may refer to and be checked
 * against.  What judges is here; titles and comments are left out. */
#include "schema/schema-in.h"

#define DRAFT "https://json-schema.org/draft/2020-12/"
#define HEAD_OF(name, vocabulary)                                              \
	"{\"$schema\":\"" DRAFT "schema\",\"$id\":\"" DRAFT name "\","         \
	"\"$vocabulary\":{" vocabulary "},\"$dynamicAnchor\":\"meta\","
#define VOCAB(name) "\"" DRAFT "vocab/" name "\":true"
#define META "{\"$dynamicRef\":\"#meta\"}"
#define ARRAY_OF "\"type\":\"array\",\"minItems\":1,\"items\":" META
#define MAP_OF                                                                 \
	"\"type\":\"object\",\"additionalProperties\":" META ",\"default\":{}"
#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"

static const char schema_text[] = HEAD_OF("schema",
    VOCAB("core") "," VOCAB("applicator") "," VOCAB("unevaluated") "," VOCAB(
	"v"
	"a"
	"l"
	"i"
	"d"
	"a"
	"t"
	"i"
	"o"
	"n") "," VOCAB("meta-data") "," VOCAB("format-annotation") "," VOCAB("c"
									     "o"
									     "n"
									     "t"
									     "e"
									     "n"
									     "t")) "\"al"
										   "lOf"
										   "\":["
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "core"
										   "\"},"
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "appl"
										   "icat"
										   "or\""
										   "},"
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "unev"
										   "alua"
										   "ted"
										   "\"},"
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "vali"
										   "dati"
										   "on\""
										   "},"
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "meta"
										   "-dat"
										   "a\"}"
										   ","
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "form"
										   "at-"
										   "anno"
										   "tati"
										   "on\""
										   "},"
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "cont"
										   "ent"
										   "\"}]"
										   ","
										   "\"ty"
										   "pe\""
										   ":["
										   "\"ob"
										   "ject"
										   "\","
										   "\"bo"
										   "olea"
										   "n\"]"
										   ","
										   "\"pr"
										   "oper"
										   "ties"
										   "\":{"
										   "\"de"
										   "fini"
										   "tion"
										   "s\":"
										   "{" MAP_OF
										   "},"
										   "\"de"
										   "pend"
										   "enci"
										   "es\""
										   ":{"
										   "\"ty"
										   "pe\""
										   ":\"o"
										   "bjec"
										   "t\","
										   "\"ad"
										   "diti"
										   "onal"
										   "Prop"
										   "erti"
										   "es\""
										   ":{"
										   "\"an"
										   "yOf"
										   "\":"
										   "[" META
										   ","
										   "{\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "vali"
										   "dati"
										   "on#/"
										   "$def"
										   "s/"
										   "stri"
										   "ngAr"
										   "ray"
										   "\"}]"
										   "},"
										   "\"de"
										   "faul"
										   "t\":"
										   "{}},"
										   "\"$"
										   "recu"
										   "rsiv"
										   "eAnc"
										   "hor"
										   "\":{"
										   "\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "core"
										   "#/"
										   "$def"
										   "s/"
										   "anch"
										   "orSt"
										   "ring"
										   "\"},"
										   "\"$"
										   "recu"
										   "rsiv"
										   "eRef"
										   "\":{"
										   "\"$"
										   "ref"
										   "\":"
										   "\"me"
										   "ta/"
										   "core"
										   "#/"
										   "$def"
										   "s/"
										   "uriR"
										   "efer"
										   "ence"
										   "Stri"
										   "ng\""
										   "}}}";

static const char core_text[] = HEAD_OF("meta/core",
    VOCAB(
	"core")) "\"type\":[\"object\",\"boolean\"],"
		 "\"properties\":{"
		 "\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\","
		 "\"pattern\":\"^[^#]*#?$\"},"
		 "\"$schema\":" REF(
		     "uriString") ","
				  "\"$ref\":" REF(
				      "uriReferenceString") ","
							    "\"$"
							    "anchor\":" REF(
								"anchorStrin"
								"g") ","
								     "\"$"
								     "dynamic"
								     "Ref\""
								     ":" REF(
									 "uri"
									 "Ref"
									 "ere"
									 "nce"
									 "Str"
									 "in"
									 "g") ","
									      "\"$dynamicAnchor\":" REF(
										  "anchorString") ","
												  "\"$vocabulary\":{\"type\":\"object\","
												  "\"propertyNames\":" REF(
												      "uriString") ","
														   "\"additionalProperties\":{\"type\":\"boolean\"}},"
														   "\"$comment\":{\"type\":\"string\"},"
														   "\"$defs\":{\"type\":\"object\",\"additionalProperties\":" META
														   "}},"
														   "\"$defs\":{"
														   "\"anchorString\":{\"type\":\"string\","
														   "\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
														   "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
														   "\"uriReferenceString\":{\"type\":\"string\","
														   "\"format\":\"uri-reference\"}}}";

static const char applicator_text[] = HEAD_OF("meta/applicator",
    VOCAB(
	"applicator")) "\"type\":[\"object\",\"boolean\"],"
		       "\"properties\":{"
		       "\"prefixItems\":" REF(
			   "schemaArray") ","
					  "\"items\":" META
					  ",\"contains\":" META ","
					  "\"additionalProperties\":" META ","
					  "\"properties\":{" MAP_OF "},"
					  "\"patternProperties\":{" MAP_OF ","
					  "\"propertyNames\":{\"format\":"
					  "\"regex\"}},"
					  "\"dependentSchemas\":{" MAP_OF "},"
					  "\"propertyNames\":" META ","
					  "\"if\":" META ",\"then\":" META
					  ",\"else\":" META ","
					  "\"allOf\":" REF(
					      "schemaArray") ","
							     "\"anyOf\":" REF(
								 "schemaArra"
								 "y") ","
								      "\"oneO"
								      "f\""
								      ":" REF(
									  "sc"
									  "he"
									  "ma"
									  "Ar"
									  "ra"
									  "y") ","
									       "\"not\":" META
									       "},"
									       "\"$defs\":{\"schemaArray\":{" ARRAY_OF
									       "}}}";

static const char unevaluated_text[] = HEAD_OF("meta/unevaluated",
    VOCAB("unevaluated")) "\"type\":[\"object\",\"boolean\"],"
			  "\"properties\":{\"unevaluatedItems\":" META ","
			  "\"unevaluatedProperties\":" META "}}";

static const char validation_text[] = HEAD_OF("meta/validation",
    VOCAB("validation")) "\"type\":[\"object\",\"boolean\"],"
			 "\"properties\":{"
			 "\"type\":{\"anyOf\":[" REF("simpleTy"
						     "pes") ","
							    "{"
							    "\"type\":"
							    "\"array\","
							    "\"items\":" REF(
								"simpleTypes") ","
									       "\"minItems\":1,\"uniqueItems\":true}]},"
									       "\"const\":true,"
									       "\"enum\":{\"type\":\"array\",\"items\":true},"
									       "\"multipleOf\":{\"type\":\"number\","
									       "\"exclusiveMinimum\":0},"
									       "\"maximum\":{\"type\":\"number\"},"
									       "\"exclusiveMaximum\":{\"type\":\"number\"},"
									       "\"minimum\":{\"type\":\"number\"},"
									       "\"exclusiveMinimum\":{\"type\":\"number\"},"
									       "\"maxLength\":" REF(
										   "nonNegativeInteger") ","
													 "\"minLength\":" REF("nonNegativeIntegerDefault0") ","
																			    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},"
																			    "\"maxItems\":" REF(
																				"nonNegativeInteger") ","
																						      "\"minItems\":" REF("nonNegativeIntegerDefault0") ","
																													"\"uniqueItems\":{\"type\":\"boolean\","
																													"\"default\":false},"
																													"\"maxContains\":" REF("nonNegativeInteger") ","
																																		     "\"minContains\":{\"$ref\":"
																																		     "\"#/$defs/nonNegativeInteger\",\"default\":1},"
																																		     "\"maxProperties\":" REF("nonNegativeInteger") ","
																																								    "\"minProperties\":" REF("nonNegativeIntegerDefault0") ","
																																															   "\"required\":" REF(
																																															       "stringArray") ","
																																																	      "\"dependentRequired\":{\"type\":\"object\","
																																																	      "\"additionalProperties\":" REF("stringArray") "}},"
																																																							     "\"$defs\":{"
																																																							     "\"nonNegativeInteger\":{\"type\":\"integer\","
																																																							     "\"minimum\":0},"
																																																							     "\"nonNegativeIntegerDefault0\":{\"$ref\":"
																																																							     "\"#/$defs/nonNegativeInteger\",\"default\":0},"
																																																							     "\"simpleTypes\":{\"enum\":[\"array\",\"boolean\","
																																																							     "\"integer\",\"null\",\"number\",\"object\","
																																																							     "\"string\"]},"
																																																							     "\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":"
																																																							     "\"string\"},\"uniqueItems\":true,\"default\":[]}}}";

static const char data_text[] = HEAD_OF("meta/meta-data",
    VOCAB(
	"meta-data")) "\"type\":[\"object\",\"boolean\"],"
		      "\"properties\":{\"title\":{\"type\":\"string\"},"
		      "\"description\":{\"type\":\"string\"},\"default\":true,"
		      "\"deprecated\":{\"type\":\"boolean\"},"
		      "\"readOnly\":{\"type\":\"boolean\"},"
		      "\"writeOnly\":{\"type\":\"boolean\"},"
		      "\"examples\":{\"type\":\"array\",\"items\":true}}}";

static const char format_text[] = HEAD_OF("meta/format-annotation",
    VOCAB("format-annotation")) "\"type\":[\"object\",\"boolean\"],"
				"\"properties\":{\"format\":{\"type\":"
				"\"string\"}}}";

static const char content_text[] = HEAD_OF("meta/content",
    VOCAB(
	"content")) "\"type\":[\"object\",\"boolean\"],"
		    "\"properties\":{\"contentEncoding\":{\"type\":\"string\"},"
		    "\"contentMediaType\":{\"type\":\"string\"},"
		    "\"contentSchema\":" META "}}";

static const struct {
	const char *uri;
	struct str text;
} metas[] = {
	{ DRAFT "schema", STR_INIT(schema_text) },
	{ DRAFT "meta/core", STR_INIT(core_text) },
	{ DRAFT "meta/applicator", STR_INIT(applicator_text) },
	{ DRAFT "meta/unevaluated", STR_INIT(unevaluated_text) },
	{ DRAFT "meta/validation", STR_INIT(validation_text) },
	{ DRAFT "meta/meta-data", STR_INIT(data_text) },
	{ DRAFT "meta/format-annotation", STR_INIT(format_text) },
	{ DRAFT "meta/content", STR_INIT(content_text) },
};

struct str
meta_text(struct str uri)
{
	for (size_t i = 0; i < countof(metas); i++)
		if (str_eq(uri, str_of(metas[i].uri)))
			return metas[i].text;
	return STR("");
}
