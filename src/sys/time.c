/*
 * time.c: clocks and randomness.  Both clocks come from the vDSO, so they cost
 * no system call where the kernel provides one.
 */
#include "sys/sys.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec t;

	BUG_ON(clock_gettime(id, &t) != 0);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t
now_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
now_wall(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static void
digits(char *p, unsigned v, size_t n)
{
	while (n-- > 0) {
		p[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

/* Own arithmetic (days to civil date), since gmtime shares hidden state. */
struct str
time_text(uint64_t wall_ns, char out[static 25])
{
	const uint64_t s = wall_ns / 1000000000U;
	const unsigned day_s = (unsigned)(s % 86400);
	const uint64_t z = s / 86400 + 719468; /* days since 0000-03-01 */
	const uint64_t era = z / 146097;
	const unsigned doe = (unsigned)(z - era * 146097);
	const unsigned yoe =
	    (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const unsigned mp = (5 * doy + 2) / 153;
	const unsigned month = mp < 10 ? mp + 3 : mp - 9;
	const unsigned year = (unsigned)(yoe + era * 400) + (month <= 2);

	memcpy(out, "0000-00-00T00:00:00.000Z", 25);
	digits(out, year, 4);
	digits(out + 5, month, 2);
	digits(out + 8, doy - (153 * mp + 2) / 5 + 1, 2);
	digits(out + 11, day_s / 3600, 2);
	digits(out + 14, day_s / 60 % 60, 2);
	digits(out + 17, day_s % 60, 2);
	digits(out + 20, (unsigned)(wall_ns / 1000000U % 1000), 3);
	return (struct str){ out, 24 };
}

void
random_bytes(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		const ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			BUG_ON(errno != EINTR);
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
}
