/* fuzz-in: what peers of the fuzzed line say, for fuzz-line.c alone. */
#ifndef LINE_FUZZ_IN_H
#define LINE_FUZZ_IN_H

/* As the_random() has them. */
#define ID4(x) #x #x #x #x
#define ID(x) ID4(x) ID4(x) ID4(x) ID4(x)

static const char *const trees[] = { "{}", "{\"name\":\"read\"}",
	"{\"name\":\"fs___read\",\"arguments\":{\"a\":1}}",
	"{\"name\":\"read\",\"requestState\":\"x\",\"inputResponses\":{\"r1\":"
	"{}}}",
	"{\"uri\":\"file:///a\"}",
	"{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"web___p\"}}",
	"{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"file:///a\"}}",
	"{\"name\":\"read\",\"task\":{},\"_meta\":{\"k\":1}}",
	"{\"uri\":\"file:///a\",\"requestState\":\"0-x\"}",
	"{\"notifications\":{\"resourcesListChanged\":true,"
	"\"resourceSubscriptions\":[\"a\",\"b\",3,\"no\"]}}",
	"{\"notifications\":{\"toolsListChanged\":true,"
	"\"resourceSubscriptions\":[\"file:///a\"]}}",
	"{\"protocolVersion\":\"2025-11-25\"}", "{\"requestId\":1}",
	"{\"level\":\"info\"}", "{\"cursor\":\"c\"}", "[1,2]", "7", "\"s\"",
	"{\"name\":\"web___a\",\"arguments\":{\"p\":\"v\"}}",
	"{\"name\":\"read\",\"task\":{\"ttl\":5}}",
	"{\"taskId\":\"0-" ID(01) "\",\"status\":\"completed\"}",
	"{\"taskId\":\"0-" ID(02) "\",\"inputResponses\":{}}",
	"{\"taskId\":\"0-" ID(03) "\"}", "{\"taskId\":\"mine\"}",
	"{\"taskId\":\"t1\",\"status\":\"completed\",\"result\":{}}",
	"{\"messages\":[],\"task\":{},\"_meta\":{"
	"\"io.modelcontextprotocol/related-task\":{\"taskId\":\"t1\"}}}",
	"{\"notifications\":{\"taskIds\":[\"0-" ID(01) "\",\"0-" ID(
	    02) "\",3,"
		"\"t1\"]}}",
	"{\"name\":\"read\",\"arguments\":{\"a\":\"x\"},\"_meta\":{"
	"\"io.gatehouse/onBehalfOf\":[\"u\",\"al\"],"
	"\"io.gatehouse/model\":\"m\"}}",
	"{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":[[]],"
	"\"io.gatehouse/model\":7}}",
	"{\"messages\":[],\"modelPreferences\":{\"hints\":[{\"name\":\"m\"},{"
	"\"name\":\"x\"},3]}}" };
static const char *const results[] = { "{}",
	"{\"tools\":[{\"name\":\"a\",\"inputSchema\":{\"properties\":{\"p\":{"
	"\"type\":\"string\",\"x-mcp-header\":\"P\"}}}},{\"name\":\"a\"},3],"
	"\"nextCursor\":\"n\"}",
	"{\"resources\":[{\"uri\":\"file:///a\"}]}",
	"{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{"
	"\"method\":\"elicitation/create\",\"params\":{}}},\"requestState\":"
	"\"s\"}",
	"{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{"
	"\"method\":\"roots/list\"},\"m\":{\"method\":"
	"\"elicitation/create\"}}}",
	"{\"code\":-31004,\"message\":\"\xc3\xa9\"}",
	"{\"tools\":{\"a\":1},\"resources\":7}",
	"{\"resourceTemplates\":[{\"uriTemplate\":\"file:///{+p}\"}]}",
	"{\"resultType\":\"input_required\"}", "[]", "null",
	"{\"resultType\":\"task\"}",
	"{\"resultType\":\"task\",\"taskId\":\"t1\",\"status\":\"working\","
	"\"ttlMs\":9}",
	"{\"task\":{\"taskId\":\"t1\",\"status\":\"working\",\"ttl\":null}}",
	"{\"taskId\":\"t1\",\"status\":\"completed\",\"ttlMs\":1e99,"
	"\"result\":{\"resultType\":\"x\"}}",
	"{\"task\":{\"taskId\":\"mine\"},\"_meta\":{"
	"\"io.modelcontextprotocol/related-task\":{\"taskId\":\"0-" ID(
	    01) "\"}}}",
	"{\"tasks\":[{\"taskId\":\"t1\",\"status\":\"failed\"},"
	"{\"taskId\":\"mine\"},3]}",
	"{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{"
	"\"method\":\"sampling/createMessage\",\"params\":{"
	"\"modelPreferences\":{\"hints\":[{\"name\":\"m\"},{}]}}}}}" };
static const char *const caps[] = { "{}", "{\"elicitation\":{},\"roots\":{}}",
	("{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,"
	 "\"listChanged\":true},\"logging\":{}}"),
	"{\"elicitation\":{\"url\":{}},\"sampling\":{},\"tasks\":{}}", "7",
	"{\"elicitation\":{},\"x\":1}",
	"{\"sampling\":{},\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{"
	"\"tools\":{\"call\":{}},\"sampling\":{\"createMessage\":{}}}},"
	"\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}" };

#endif
