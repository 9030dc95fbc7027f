// schema-ajv: random schemas of 2020-12 and values, judged by ajv and by
// gatehouse; prints each difference, and last "N passed, N failed".
//   node t/schema-ajv.mjs GATEHOUSE [SCHEMAS] [SEED]
import { createRequire } from 'node:module'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(join(here, 'node', 'package.json'))
const Ajv = require('ajv/dist/2020').default
const [program, count = '200', seed = '1'] = process.argv.slice(2)
let state = Number(seed) >>> 0 || 1
const random = n => {
	state ^= state << 13; state >>>= 0
	state ^= state >>> 17
	state ^= state << 5; state >>>= 0
	return state % n
}
const pick = a => a[random(a.length)]
const names = ['a', 'b', 'c', 'x-y'] // not '': ajv does not ask for it where it is required
const many = (n, f) => Array.from({ length: random(n) }, f)
const object = (n, f) => Object.fromEntries(many(n, () => [pick(names), f()]))
const value = d => d < 1 || random(3) ? pick([null, true, false, 0, 1, 2, 5, -1,
	1.5, 0.1, '', 'a', 'ab', 'x1', '\u00e9', '\u{1F432}'])
	: random(2) ? many(5, () => value(d - 1)) : object(5, () => value(d - 1))
const types = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object']
const patterns = ['^a', 'b$', '^[a-z]+$', '\\d', '^.$', '^(?=.*1)x', '^\\p{L}*$', '(a|b){2}', '^$']
const list = d => [schema(d - 1), ...many(3, () => schema(d - 1))]
const keywords = {
	type: () => random(2) ? pick(types) : [...new Set([pick(types), pick(types)])],
	enum: () => { // ajv wants no two alike
		const all = [value(1), value(1), value(1)]
		return [...new Map(all.map(v => [JSON.stringify(v), v])).values()]
	},
	const: () => value(2),
	minimum: () => random(4), exclusiveMaximum: () => random(4),
	multipleOf: () => pick([1, 2, 0.5]),
	minLength: () => random(3), maxLength: () => random(3),
	pattern: () => pick(patterns),
	minItems: () => random(3), maxItems: () => random(4), uniqueItems: () => true,
	minProperties: () => random(2), maxProperties: () => random(4),
	required: () => [...new Set(many(3, () => pick(names)))],
	properties: d => object(4, () => schema(d - 1)),
	patternProperties: d => ({ [pick(patterns)]: schema(d - 1) }),
	additionalProperties: d => schema(d - 1),
	propertyNames: d => schema(d - 1),
	dependentRequired: () => ({ [pick(names)]: [pick(names)] }),
	dependentSchemas: d => ({ [pick(names)]: schema(d - 1) }),
	prefixItems: d => list(d), items: d => schema(d - 1), contains: d => {
		inside++ // ajv: unevaluated* within contains loses what contains found
		const s = schema(d - 1)
		inside--
		return s
	},
	allOf: d => list(d), anyOf: d => list(d), oneOf: d => list(d), not: d => schema(d - 1),
	if: d => schema(d - 1), then: d => schema(d - 1), else: d => schema(d - 1),
	unevaluatedProperties: d => schema(d - 1), unevaluatedItems: d => schema(d - 1),
	$ref: () => '#/$defs/' + pick(['p', 'q']),
}
let inside = 0
const schema = d => {
	if (d < 1) return pick([true, true, false, { type: pick(types) }])
	const all = Object.keys(keywords), out = {}
	for (let n = 1 + random(3); n > 0; n--) {
		const k = pick(all)
		if (inside && k.startsWith('unevaluated')) continue
		out[k] = keywords[k](d)
	}
	if (out.contains && random(2)) out.minContains = random(3)
	return out
}
const dir = mkdtempSync(join(tmpdir(), 'gatehouse-schema-'))
let passed = 0, failed = 0, skipped = 0
const report = (why, s, v) => {
	failed++
	console.log(`${why}: ${JSON.stringify(s)} ${v === undefined ? '' : JSON.stringify(v)}`)
}
for (let i = 0; i < Number(count); i++) {
	const s = schema(3)
	s.$defs = { p: schema(1), q: { properties: { a: schema(1) } } }
	delete s.$defs.p.$ref
	const values = Array.from({ length: 25 }, () => value(3))
	let want
	try {
		const check = new Ajv({ strict: false, logger: false, validateFormats: false }).compile(s)
		want = values.map(v => check(v))
	} catch { skipped++; continue }
	writeFileSync(join(dir, 's.json'), JSON.stringify(s))
	values.forEach((v, k) => writeFileSync(join(dir, `${k}.json`), JSON.stringify(v)))
	const r = spawnSync(program, ['schema', 'check', '--json', join(dir, 's.json'),
		...values.map((_, k) => join(dir, `${k}.json`))], { encoding: 'utf8' })
	const lines = r.stdout.split('\n').filter(Boolean).map(JSON.parse)
	if (lines.length !== values.length) {
		report(r.stderr.trim(), s)
		continue
	}
	values.forEach((v, k) => {
		if (want[k] === (lines[k].verdict === 'valid')) passed++
		else report(`ajv says ${want[k]}, gatehouse ${lines[k].verdict}`, s, v)
	})
}
rmSync(dir, { recursive: true })
if (skipped) console.log(`${skipped} schemas skipped: ajv fails on them`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed || passed === 0 ? 1 : 0)
