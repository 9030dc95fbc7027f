/*
 * bench-in.h: how a room's own benchmark measures: the median of 21 rounds on
 * warm buffers, each round as many times as fill its time.
 */
#ifndef BENCH_IN_H
#define BENCH_IN_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_ROUNDS = 21 };

static inline uint64_t
bench_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline int
bench_by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Nanoseconds of one run: the median, and the best. */
static inline double
bench_ns(void (*run)(void *arg), void *arg, uint64_t round_ns, double *best)
{
	double ns[BENCH_ROUNDS];
	size_t times = 1;
	uint64_t t;

	run(arg);
	t = bench_now();
	run(arg);
	t = bench_now() - t;
	if (t < round_ns)
		times = round_ns / (t + 1) + 1;
	for (size_t r = 0; r < BENCH_ROUNDS; r++) {
		t = bench_now();
		for (size_t i = 0; i < times; i++)
			run(arg);
		ns[r] = (double)(bench_now() - t) / (double)times;
	}
	qsort(ns, BENCH_ROUNDS, sizeof(ns[0]), bench_by_size);
	*best = ns[0];
	return ns[BENCH_ROUNDS / 2];
}

#endif
