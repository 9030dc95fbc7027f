/* methods: METHOD(id, text, flags, member mirrored in Mcp-Name, client
 * capability) */
METHOD(INITIALIZE, "initialize", ML | M_UP, NULL, NULL)
METHOD(INITIALIZED, "notifications/initialized", ML | M_UP | M_NOTE, NULL, NULL)
METHOD(PING, "ping", ML | M_UP | M_DOWN, NULL, NULL)
METHOD(DISCOVER, "server/discover", MM | M_UP | M_CACHE, NULL, NULL)
METHOD(LISTEN, "subscriptions/listen", MM | M_UP, NULL, NULL)
METHOD(LISTEN_ACK, "notifications/subscriptions/acknowledged",
    MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(TOOLS_LIST, "tools/list", ML | MM | M_UP | M_LIST | M_CACHE, NULL, NULL)
METHOD(TOOLS_CALL, "tools/call", ML | MM | M_UP | M_MRTR, "name", NULL)
METHOD(
    PROMPTS_LIST, "prompts/list", ML | MM | M_UP | M_LIST | M_CACHE, NULL, NULL)
METHOD(PROMPTS_GET, "prompts/get", ML | MM | M_UP | M_MRTR, "name", NULL)
METHOD(RESOURCES_LIST, "resources/list", ML | MM | M_UP | M_LIST | M_CACHE,
    NULL, NULL)
METHOD(TEMPLATES_LIST, "resources/templates/list",
    ML | MM | M_UP | M_LIST | M_CACHE, NULL, NULL)
METHOD(RESOURCES_READ, "resources/read", ML | MM | M_UP | M_MRTR | M_CACHE,
    "uri", NULL)
METHOD(SUBSCRIBE, "resources/subscribe", ML | M_UP, NULL, NULL)
METHOD(UNSUBSCRIBE, "resources/unsubscribe", ML | M_UP, NULL, NULL)
METHOD(COMPLETE, "completion/complete", ML | MM | M_UP, NULL, NULL)
METHOD(SET_LEVEL, "logging/setLevel", ML | M_UP, NULL, NULL)
METHOD(TASKS_GET, "tasks/get", ML | MM | M_UP | M_DOWN, "taskId", NULL)
METHOD(TASKS_RESULT, "tasks/result", ML | M_UP | M_DOWN, NULL, NULL)
METHOD(TASKS_LIST, "tasks/list", ML | M_UP | M_DOWN | M_LIST, NULL, NULL)
METHOD(TASKS_CANCEL, "tasks/cancel", ML | MM | M_UP | M_DOWN, "taskId", NULL)
METHOD(TASKS_UPDATE, "tasks/update", MM | M_UP, "taskId", NULL)
METHOD(SAMPLING, "sampling/createMessage", ML | M_DOWN, NULL, "sampling")
METHOD(ELICIT, "elicitation/create", ML | M_DOWN, NULL, "elicitation")
METHOD(ROOTS_LIST, "roots/list", ML | M_DOWN, NULL, "roots")
METHOD(CANCELLED, "notifications/cancelled", ML | MM | M_UP | M_DOWN | M_NOTE,
    NULL, NULL)
METHOD(PROGRESS, "notifications/progress", ML | MM | M_UP | M_DOWN | M_NOTE,
    NULL, NULL)
METHOD(MESSAGE, "notifications/message", ML | MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(ROOTS_CHANGED, "notifications/roots/list_changed", ML | M_UP | M_NOTE,
    NULL, NULL)
METHOD(TOOLS_CHANGED, "notifications/tools/list_changed",
    ML | MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(PROMPTS_CHANGED, "notifications/prompts/list_changed",
    ML | MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(RESOURCES_CHANGED, "notifications/resources/list_changed",
    ML | MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(RESOURCE_UPDATED, "notifications/resources/updated",
    ML | MM | M_DOWN | M_NOTE, NULL, NULL)
METHOD(ELICIT_DONE, "notifications/elicitation/complete", ML | M_DOWN | M_NOTE,
    NULL, NULL)
METHOD(TASK_STATUS, "notifications/tasks/status", ML | M_UP | M_DOWN | M_NOTE,
    NULL, NULL)
METHOD(TASK_EVENT, "notifications/tasks", MM | M_DOWN | M_NOTE, NULL, NULL)
