/*
 * ledger-sync.c: the thread that syncs.  Promises that `done` never names a
 * record that was written after the sync began, and that nothing is ever done
 * again once a sync has failed: the kernel may have dropped the pages, and a
 * second sync would say yes.  It refuses to know what a record is.
 */
#include "role/ledger-sync.h"

#include <pthread.h>
#include <unistd.h>

#include "sys/sys.h"

enum { OLD_MAX = 8 }; /* segments filled while one sync ran */

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	uint64_t written, done;
	int fd, old[OLD_MAX];
	size_t old_n;
	bool kicked, failed, end;
	bool entered, refused; /* the thread's beginning, and how it went */
	struct note why;
	/* the caller's, set once */
	int event;
	enum err (*enter)(struct note *why);
};

static bool
sync_fds(int fd, int *old, size_t old_n)
{
	bool good = true;

	for (size_t i = 0; i < old_n; i++) {
		good = fdatasync(old[i]) == 0 && good;
		fd_close(&old[i]);
	}
	return fdatasync(fd) == 0 && good;
}

/* One sync; called and returns with the lock held. */
static void
sync_once(struct syncer *s)
{
	const uint64_t upto = s->written;
	const uint64_t one = 1;
	const size_t old_n = s->old_n;
	const int fd = s->fd;
	int old[OLD_MAX];
	bool good;

	s->kicked = false;
	s->old_n = 0;
	memcpy(old, s->old, sizeof(old));
	(void)pthread_mutex_unlock(&s->lock);
	good = sync_fds(fd, old, old_n);
	count(CNT_SYNCS);
	(void)pthread_mutex_lock(&s->lock);
	if (good && !s->failed)
		s->done = upto;
	else
		s->failed = true;
	if (write(s->event, &one, sizeof(one)) != (ssize_t)sizeof(one))
		s->failed = true; /* cannot happen; and if, nobody waits */
}

static void *
run(void *arg)
{
	struct syncer *s = arg;
	bool good;

	(void)pthread_mutex_lock(&s->lock);
	good = s->enter == NULL || s->enter(&s->why) == OK;
	s->refused = !good;
	s->entered = true;
	(void)pthread_cond_broadcast(&s->wake);
	while (good && !s->end) {
		if (s->kicked && !s->failed)
			sync_once(s);
		else
			(void)pthread_cond_wait(&s->wake, &s->lock);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

enum err
syncer_new(int fd, int event, uint64_t seq, enum err (*enter)(struct note *why),
    struct syncer **out, struct note *why)
{
	struct syncer *s = mem_get(sizeof(*s));
	bool refused;

	s->fd = fd;
	s->event = event;
	s->written = s->done = seq;
	s->enter = enter;
	if (pthread_mutex_init(&s->lock, NULL) != 0 ||
	    pthread_cond_init(&s->wake, NULL) != 0 ||
	    pthread_create(&s->thread, NULL, run, s) != 0) {
		note_set(why, "the syncing thread cannot be started");
		mem_free(s);
		return ERR_OS;
	}
	(void)pthread_mutex_lock(&s->lock);
	while (!s->entered)
		(void)pthread_cond_wait(&s->wake, &s->lock);
	refused = s->refused;
	(void)pthread_mutex_unlock(&s->lock);
	if (refused) {
		*why = s->why;
		syncer_free(s);
		return ERR_OS;
	}
	*out = s;
	return OK;
}

void
syncer_written(struct syncer *s, uint64_t seq)
{
	(void)pthread_mutex_lock(&s->lock);
	s->written = seq;
	(void)pthread_mutex_unlock(&s->lock);
}

void
syncer_kick(struct syncer *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->kicked = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

void
syncer_switch(struct syncer *s, int fd)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->old_n == OLD_MAX) /* the disk is far behind: so are we */
		s->failed = true;
	else
		s->old[s->old_n++] = s->fd;
	s->fd = fd;
	s->kicked = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

enum err
syncer_done(struct syncer *s, uint64_t *seq)
{
	bool failed;

	(void)pthread_mutex_lock(&s->lock);
	failed = s->failed;
	if (!failed)
		*seq = s->done;
	(void)pthread_mutex_unlock(&s->lock);
	return failed ? ERR_OS : OK;
}

void
syncer_free(struct syncer *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->end = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->old_n; i++)
		fd_close(&s->old[i]);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	mem_free(s);
}
