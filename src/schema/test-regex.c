/* test-regex: patterns of ECMA-262 with the flag u: what matches beside what
 * does not, what is no pattern beside what is one, and that time is bounded. */
#include "schema/schema-in.h"

#include "base/tap.h"

static const struct {
	const char *pattern, *yes, *no; /* NULL: none */
} matches[] = {
	{ "^abc$", "abc", "xabc" },
	{ "abc", "xabcx", "ab" },
	{ "", "anything", NULL },
	{ "^$", "", "x" },
	{ "^a|b$", "ax", "xa" },
	{ "^(a|b)$", "b", "ab" },
	{ "^(?:ab)+$", "abab", "aba" },
	{ "^(?<name>ab)+$", "abab", "aba" },
	{ "^a*$", "aaa", "aab" },
	{ "^a?$", "a", "aa" },
	{ "^a+?$", "aa", "" },
	{ "^a{2}$", "aa", "a" },
	{ "^a{2,}$", "aaaa", "a" },
	{ "^a{2,3}$", "aaa", "aaaa" },
	{ "^a{0}$", "", "a" },
	{ "^(a{2}){2}$", "aaaa", "aaa" },
	{ "^(){1000}x$", "x", "y" },
	{ "^((((){1000}){1000}){1000}){1000}$", "", "x" },
	{ "^(a*)*$", "aaa", "b" },
	{ "^[abc]$", "b", "d" },
	{ "^[^abc]$", "d", "b" },
	{ "^[a-c-]+$", "a-c", "d" },
	{ "^[\\d\\-x]+$", "1-x", "y" },
	{ "^[]$", NULL, "a" },
	{ "^[^]$", "\n", "" },
	{ "^[\\]]$", "]", "[" },
	{ "^[\\b]$", "\b", "b" },
	{ "^\\d+$", "059", "\xdb\xb1" },
	{ "^\\D$", "\xdb\xb1", "1" },
	{ "^\\w+$", "aZ_9", "\xc3\xa9" },
	{ "^\\W$", "\xc3\xa9", "a" },
	{ "^\\s+$", " \t\v\f\r\n\xc2\xa0\xe2\x80\xa8\xef\xbb\xbf",
	    "\xe1\xa0\x8e" },
	{ "^\\S$", "\xe1\xa0\x8e", "\xc2\xa0" },
	{ "^.$", "\xf0\x9f\x90\xb2", "\n" },
	{ "^..$", "\xc3\xa9x", "\xc3\xa9" },
	{ "^.$", "\xc2\x85", "\xe2\x80\xa9" },
	{ "^\\u00e9$", "\xc3\xa9", "e" },
	{ "^\\u{1F432}$", "\xf0\x9f\x90\xb2", "x" },
	{ "^\\ud83d\\udc32$", "\xf0\x9f\x90\xb2", "x" },
	{ "^\\x41\\cA\\0\\t$", NULL, "A" },
	{ "^[\\u{1F400}-\\u{1F4FF}]$", "\xf0\x9f\x90\xb2", "\xf0\x9f\xa4\x94" },
	{ "^\\$\\.\\-\\_\\@$", "$.-_@", "$" },
	{ "^\\p{L}+$", "\xc3\xa9\xce\xb1\xe4\xb8\xad", "a1" },
	{ "^\\p{Letter}+$", "\xc3\xa9", "1" },
	{ "^\\P{L}$", "1", "a" },
	{ "^[^\\p{L}]$", "1", "a" },
	{ "^\\p{Lu}$", "\xc3\x89", "\xc3\xa9" },
	{ "^\\p{gc=Nd}$", "\xdb\xb1", "a" },
	{ "^\\p{General_Category=Decimal_Number}$", "9", "a" },
	{ "^\\p{Script=Greek}+$", "\xce\xb1\xce\xb2", "a" },
	{ "^\\p{sc=Cyrl}+$", "\xd0\xb6", "\xce\xb1" },
	{ "^\\p{Any}$", "\n", "ab" },
	{ "^\\p{ASCII}$", "~", "\xc3\xa9" },
	{ "\\bfoo\\b", "a foo b", "afoo" },
	{ "\\Bfoo", "afoo", "foo" },
	{ "^(?=.*[A-Z])(?=.*\\d).{4,}$", "abC1", "abc1" },
	{ "^(?!admin)\\w+$", "user", "admin" },
	{ "^(?!.*\\.\\.)[a-z.]+$", "a.b", "a..b" },
	{ "(?<=\\$)\\d+", "$5", "5" },
	{ "(?<!\\$)\\b\\d+", "5", "$5" },
	{ "^(?=(?!b)[a-c]+$)", "ac", "ba" },
	{ "a(?=b(?=c))", "abc", "abd" },
	{ "(?<=(?<!x)a)b", "ab", "xab" },
	{ "(?=$)", "", NULL },
	{ "(?<=^)a", "ab", "ba" },
	{ "\xc3\xa9(?=\xe4\xb8\xad)", "\xc3\xa9\xe4\xb8\xad", "\xc3\xa9x" },
};

static const struct {
	const char *pattern;
	enum err want;
	const char *words; /* in the sentence */
} patterns[] = {
	{ "(a)", OK, "" },
	{ "(a", ERR_SYNTAX, "( without" },
	{ "a)", ERR_SYNTAX, ") without" },
	{ "[a-z]", OK, "" },
	{ "[a", ERR_SYNTAX, "[ without" },
	{ "[z-a]", ERR_SYNTAX, "range" },
	{ "[\\d-a]", ERR_SYNTAX, "range" },
	{ "a{1,2}", OK, "" },
	{ "a{2,1}", ERR_SYNTAX, "{ }" },
	{ "a{", ERR_SYNTAX, "{" },
	{ "a}", ERR_SYNTAX, "}" },
	{ "a]", ERR_SYNTAX, "]" },
	{ "*a", ERR_SYNTAX, "*" },
	{ "a**", ERR_SYNTAX, "*" },
	{ "^*", ERR_SYNTAX, "*" },
	{ "(?=a)*", ERR_SYNTAX, "*" },
	{ "\\", ERR_SYNTAX, "escape" },
	{ "\\a", ERR_SYNTAX, "\\a" },
	{ "\\Z", ERR_SYNTAX, "\\Z" },
	{ "\\u12", ERR_SYNTAX, "\\u" },
	{ "\\u{110000}", ERR_SYNTAX, "\\u{" },
	{ "\\u{}", ERR_SYNTAX, "\\u{" },
	{ "\\x1", ERR_SYNTAX, "\\x" },
	{ "\\c1", ERR_SYNTAX, "\\c" },
	{ "\\p{Klingon}", ERR_SYNTAX, "\\p{Klingon}" },
	{ "\\p{sc=Klingon}", ERR_SYNTAX, "\\p{sc=Klingon}" },
	{ "\\pL", ERR_SYNTAX, "\\p" },
	{ "(?i:a)", ERR_SYNTAX, "(?" },
	{ "(?<>a)", ERR_SYNTAX, "empty name" },
	{ "(a)\\1", ERR_LIMIT, "back-reference" },
	{ "(?<n>a)\\k<n>", ERR_LIMIT, "back-reference" },
	{ "(a)\\1(", ERR_SYNTAX, "( without" },
	{ "a{100}", OK, "" },
	{ "a{100000}", ERR_LIMIT, "repeat" },
	{ "(a{100}){100}", ERR_LIMIT, "instructions" },
	{ "((a{99}){99}){99}", ERR_LIMIT, "instructions" },
};

static bool
compiles(const char *pattern, struct buf *code, uint32_t *at, uint32_t *longest)
{
	buf_clear(code);
	*longest = 0;
	return regex_make(str_of(pattern), schema_default.pattern, code, at,
		   longest, NULL) == OK;
}

static bool
runs(const struct buf *code, uint32_t at, struct str text, uint64_t *steps)
{
	struct regex_room room = { NULL, 0 };
	const bool found =
	    regex_run((const uint8_t *)code->p, at, text, &room, steps);

	mem_free(room.p);
	return found;
}

static void
all_match(void)
{
	struct buf code = { .max = 1 << 20 };

	for (size_t i = 0; i < countof(matches); i++) {
		const char *yes = matches[i].yes, *no = matches[i].no;
		uint64_t steps = 1000000, work = 1000000;
		uint32_t at, longest;
		bool good = compiles(matches[i].pattern, &code, &at, &longest);

		good = good && regex_ok((const uint8_t *)code.p,
				   (uint32_t)(code.n / 4), at, longest, &work);
		if (good && yes != NULL)
			good = runs(&code, at, str_of(yes), &steps);
		if (good && no != NULL)
			good = !runs(&code, at, str_of(no), &steps);
		ok(good && steps > 0, "%s", matches[i].pattern);
	}
	buf_done(&code);
}

static void
all_patterns(void)
{
	struct buf code = { .max = 1 << 20 };

	for (size_t i = 0; i < countof(patterns); i++) {
		struct note why = { "" };
		uint32_t at, longest = 0;
		const enum err e = regex_make(str_of(patterns[i].pattern),
		    schema_default.pattern, &code, &at, &longest, &why);

		ok(e == patterns[i].want &&
			strstr(why.text, patterns[i].words) != NULL,
		    "%s: %s %s", patterns[i].pattern, err_name(e), why.text);
	}
	buf_done(&code);
}

/* What makes others take exponential time takes length times length here. */
static void
bounded(void)
{
	static const char *const evil[] = { "^(a+)+$", "^(a|a)*$", "^(a|aa)+$",
		"(.*){1,32}[bc]", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?=(a+)+$)b",
		"(x+x+)+y", "(?<=(a*)*)c" };
	struct buf code = { .max = 1 << 20 }, text = { .max = 1 << 20 };

	for (int i = 0; i < 5000; i++)
		buf_ch(&text, 'a');
	buf_ch(&text, '!');
	for (size_t i = 0; i < countof(evil); i++) {
		uint64_t steps = UINT64_C(100000000), few = 1000;
		uint32_t at, longest;
		const bool good = compiles(evil[i], &code, &at, &longest);
		const bool found =
		    good && runs(&code, at, buf_view(&text), &steps);
		const uint64_t took = UINT64_C(100000000) - steps;

		ok(good && !found && took <= 2 * 5002 * (longest + 1ULL),
		    "%s: %zu steps", evil[i], (size_t)took);
		ok(good && !runs(&code, at, buf_view(&text), &few) && few == 0,
		    "%s: stops when they are spent", evil[i]);
	}
	buf_done(&code);
	buf_done(&text);
}

int
main(void)
{
	all_match();
	all_patterns();
	bounded();
	return tap_done();
}
