/* clients: the table of agents, and the entries in their files. */
#include "ctl/clients.h"

#include "conf/conf.h"

/* Where this program runs: Linux.  Other systems keep them elsewhere. */
const struct client clients[] = {
	{ "claude-desktop", "Claude Desktop", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.config/Claude/claude_desktop_config.json",
		"~/.config/claude/claude_desktop_config.json" },
	    { "mcpServers" },
	    "installed .mcpb extensions and account connectors" },
	{ "claude-code", "Claude Code", TREE_JSON, SHAPE_ARGS, true,
	    { "$CLAUDE_CONFIG_DIR/.claude.json", "~/.claude.json",
		"./.mcp.json" },
	    { "mcpServers", "projects.*.mcpServers" },
	    "plugins, and managed-mcp.json of an administrator" },
	{ "cursor", "Cursor", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.cursor/mcp.json", "./.cursor/mcp.json" }, { "mcpServers" },
	    NULL },
	{ "vscode", "VS Code", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.config/Code/User/mcp.json", "./.vscode/mcp.json" },
	    { "servers" },
	    "profiles, dev containers, and servers that extensions bring" },
	{ "copilot-cli", "Copilot CLI", TREE_JSON, SHAPE_ARGS, false,
	    { "$COPILOT_HOME/mcp-config.json", "~/.copilot/mcp-config.json" },
	    { "mcpServers" }, NULL },
	{ "codex", "Codex CLI", TREE_TOML, SHAPE_ARGS, false,
	    { "$CODEX_HOME/config.toml", "~/.codex/config.toml",
		"./.codex/config.toml" },
	    { "mcp_servers" }, NULL },
	{ "gemini", "Gemini CLI", TREE_JSON, SHAPE_ARGS, true,
	    { "~/.gemini/settings.json", "./.gemini/settings.json" },
	    { "mcpServers" },
	    "extensions, and /etc/gemini-cli of an administrator" },
	{ "windsurf", "Windsurf", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.codeium/windsurf/mcp_config.json" }, { "mcpServers" }, NULL },
	{ "cline", "Cline", TREE_JSON, SHAPE_ARGS, true,
	    { "~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/"
	      "settings/cline_mcp_settings.json",
		"~/.config/Cursor/User/globalStorage/saoudrizwan.claude-dev/"
		"settings/cline_mcp_settings.json" },
	    { "mcpServers" }, NULL },
	{ "roo", "Roo Code", TREE_JSON, SHAPE_ARGS, true,
	    { "~/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/"
	      "settings/mcp_settings.json",
		"./.roo/mcp.json" },
	    { "mcpServers" }, NULL },
	{ "continue", "Continue", TREE_YAML, SHAPE_ARGS, true,
	    { "~/.continue/config.yaml" }, { "mcpServers" },
	    ".continue/mcpServers/*.yaml of projects" },
	{ "zed", "Zed", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.config/zed/settings.json" }, { "context_servers" },
	    "servers that extensions bring" },
	{ "opencode", "OpenCode", TREE_JSON, SHAPE_ARRAY, true,
	    { "~/.config/opencode/opencode.json",
		"~/.config/opencode/opencode.jsonc", "./opencode.json" },
	    { "mcp" }, NULL },
	{ "goose", "Goose", TREE_YAML, SHAPE_CMD, true,
	    { "~/.config/goose/config.yaml" }, { "extensions" },
	    "built-in extensions, which run inside Goose" },
	{ "lmstudio", "LM Studio", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json" },
	    { "mcpServers" }, NULL },
	{ "kiro", "Kiro", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.kiro/settings/mcp.json", "./.kiro/settings/mcp.json" },
	    { "mcpServers" }, NULL },
	{ "amazon-q", "Amazon Q", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.aws/amazonq/mcp.json" }, { "mcpServers" }, NULL },
	{ "crush", "Crush", TREE_JSON, SHAPE_ARGS, true,
	    { "~/.config/crush/crush.json", "./.crush.json" }, { "mcp" },
	    NULL },
	{ "junie", "Junie", TREE_JSON, SHAPE_ARGS, false,
	    { "./.junie/mcp/mcp.json" }, { "mcpServers" },
	    "servers in the settings of the IDE" },
	{ "inspector", "MCP Inspector", TREE_JSON, SHAPE_ARGS, false,
	    { "~/.mcp-inspector/mcp.json" }, { "mcpServers" }, NULL },
};
const size_t clients_n = countof(clients);

const struct client *
client_find(const char *name)
{
	for (size_t i = 0; i < clients_n; i++)
		if (strcmp(clients[i].name, name) == 0)
			return &clients[i];
	return NULL;
}

bool
client_path(const char *pattern, char out[static 4096])
{
	const char *slash = strchr(pattern, '/'), *home;
	char name[64];
	int n;

	if (slash == NULL || (size_t)(slash - pattern) >= sizeof(name))
		return false;
	(void)snprintf(
	    name, sizeof(name), "%.*s", (int)(slash - pattern), pattern);
	if (strcmp(name, ".") == 0) {
		n = snprintf(out, 4096, "%s", slash + 1);
		return n > 0 && n < 4096;
	}
	home = getenv(strcmp(name, "~") == 0 ? "HOME" : name + 1);
	if (home == NULL || home[0] != '/')
		return false;
	n = snprintf(out, 4096, "%s%s", home, slash);
	return n > 0 && n < 4096;
}

/* ---- entries ---- */
struct lister {
	const struct client *cl;
	struct str text;
	struct arena *a;
	struct entries *out;
};

static const char *
command_key(const struct client *cl)
{
	return cl->shape == SHAPE_CMD ? "cmd" : "command";
}

static bool
all_texts(const struct tree *list)
{
	for (const struct tree *t = list->first; t != NULL; t = t->next)
		if (t->kind != TREE_TEXT || t->odd)
			return false;
	return true;
}

/* Why this entry cannot be edited, or NULL. */
static const char *
unfit(const struct client *cl, struct str text, const struct entry *e)
{
	const struct tree *list =
	    cl->shape == SHAPE_ARRAY ? e->command : e->args;

	if (tree_twice(e->node, command_key(cl)) || tree_twice(e->node, "args"))
		return "a key is there twice";
	if (cl->shape != SHAPE_ARRAY &&
	    (e->command->kind != TREE_TEXT || e->command->text.n == 0))
		return "its command is not a text";
	if (e->command->odd || e->node->odd || (list != NULL && list->odd))
		return "it has anchors, aliases or tags";
	if (list != NULL && list->kind != TREE_LIST)
		return "its arguments are not a list";
	if (cl->shape == SHAPE_ARRAY && list->count == 0)
		return "its command is empty";
	if (list != NULL && !all_texts(list))
		return "not all its arguments are texts";
	/* fs.command = "x" has no table to put args into. */
	if (list == NULL && !e->node->flow &&
	    !str_starts(str_sub(text, e->command->key_at, text.n),
		str_of(command_key(cl))))
		return "its keys are dotted or quoted; give it args";
	/* "npx -y thing" in one text: some clients split it, we cannot know. */
	if (cl->shape != SHAPE_ARRAY && (list == NULL || list->count == 0) &&
	    str_find(e->command->text, ' ') < str_find(e->command->text, '/'))
		return "its command is a whole line; split it into command "
		       "and args";
	return NULL;
}

static enum err
take_words(const struct client *cl, struct arena *a, struct entry *e)
{
	const struct tree *list =
	    cl->shape == SHAPE_ARRAY ? e->command : e->args;
	const size_t lead = cl->shape == SHAPE_ARRAY ? 0 : 1;
	size_t n = 0;

	e->words_n = lead + (list == NULL ? 0 : list->count);
	e->words = arena_alloc(a, e->words_n * sizeof(*e->words));
	if (e->words == NULL)
		return ERR_LIMIT;
	if (lead == 1)
		e->words[n++] = e->command->text;
	for (const struct tree *t = list == NULL ? NULL : list->first;
	     t != NULL; t = t->next)
		e->words[n++] = t->text;
	return OK;
}

/* gatehouse wrap [--name N] [--state D] -- command ... */
static void
recognise(struct entry *e)
{
	size_t i = 2;

	if (e->words_n < 4 ||
	    !(str_eq(e->words[0], STR("gatehouse")) ||
		str_ends(e->words[0], STR("/gatehouse"))) ||
	    !str_eq(e->words[1], STR("wrap")))
		return;
	while (i < e->words_n && str_starts(e->words[i], STR("--")) &&
	       e->words[i].n > 2)
		i += str_find(e->words[i], '=') < e->words[i].n ? 1 : 2;
	if (i + 1 >= e->words_n || !str_eq(e->words[i], STR("--")))
		return;
	e->wrapped = true;
	e->prefix = i + 1;
}

static enum err
classify(struct lister *l, struct entry *e)
{
	e->kind = ENTRY_OTHER;
	e->why = "it has neither a command nor a url";
	if (e->node->kind != TREE_MAP) {
		e->why = "it is not a map";
		return OK;
	}
	e->command = tree_get(e->node, command_key(l->cl));
	e->args = tree_get(e->node, "args");
	e->url = http_url(e->node);
	if (e->command == NULL)
		return e->url == NULL ? OK : http_classify(l->cl, l->a, e);
	e->why = e->url != NULL ? "it has a command and a url; remove one"
				: unfit(l->cl, l->text, e);
	if (e->why != NULL)
		return OK;
	e->kind = ENTRY_STDIO;
	TRY(take_words(l->cl, l->a, e));
	recognise(e);
	return OK;
}

static enum err
add_entry(struct lister *l, struct tree *node, struct str path)
{
	struct entry *e = arena_alloc(l->a, sizeof(*e));
	const struct tree *name = tree_get(node, "name");
	struct buf where = { .max = 4096 };

	if (e == NULL)
		return ERR_LIMIT;
	e->node = node;
	e->name = node->up->kind == TREE_MAP ? node->key
		  : name != NULL	     ? name->text
					     : STR("");
	buf_fmt(&where, "%.*s.%.*s", STR_ARG(path), STR_ARG(e->name));
	e->where = arena_str(l->a, buf_view(&where));
	buf_done(&where);
	if (e->where.p == NULL)
		return ERR_LIMIT;
	if (l->out->last == NULL)
		l->out->first = e;
	else
		l->out->last->next = e;
	l->out->last = e;
	l->out->count++;
	return classify(l, e);
}

/* Walks "a.*.b" down; path is what it matched so far. */
static enum err
walk(struct lister *l, struct tree *at, struct str pattern, struct str path)
{
	struct str rest = pattern, part;
	struct buf sub = { .max = 4096 };
	enum err e = OK;

	if (!str_split(&rest, '.', &part)) {
		for (struct tree *t = at->first; t != NULL && e == OK;
		     t = t->next)
			e = add_entry(l, t, path);
		return e;
	}
	if (at->kind != TREE_MAP)
		return OK;
	for (struct tree *t = at->first; t != NULL && e == OK; t = t->next) {
		if (!str_eq(part, STR("*")) && !str_eq(part, t->key))
			continue;
		buf_clear(&sub);
		buf_fmt(&sub, "%.*s%s%.*s", STR_ARG(path),
		    path.n == 0 ? "" : ".", STR_ARG(t->key));
		e = walk(l, t, rest, arena_str(l->a, buf_view(&sub)));
	}
	buf_done(&sub);
	return e;
}

enum err
clients_list(const struct client *cl, struct str text, struct arena *a,
    struct entries *out, struct note *why)
{
	struct lister l = { .cl = cl, .text = text, .a = a, .out = out };
	struct tree *root = NULL;

	*out = (struct entries){ .count = 0 };
	TRY(tree_read(cl->format, text, a, &root, why));
	for (size_t i = 0; i < CLIENT_KEYS && cl->keys[i] != NULL; i++)
		TRY(walk(&l, root, str_of(cl->keys[i]), STR("")));
	return OK;
}
