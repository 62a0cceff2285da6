/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STUB_LOCK_H
#define STUB_LOCK_H

#include <stub/compiler.h>

typedef struct { int v; } spinlock_t;
typedef struct { int v; } rwlock_t;
struct mutex { int v; };
struct rw_semaphore { int v; };

void spin_lock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
void spin_lock_init(spinlock_t *l);
#define DEFINE_SPINLOCK(l)	spinlock_t l
void read_lock(rwlock_t *l);
void read_unlock(rwlock_t *l);
void write_lock(rwlock_t *l);
void write_unlock(rwlock_t *l);
void rwlock_init(rwlock_t *l);
bool rwlock_needbreak(rwlock_t *l);
int cond_resched_rwlock_read(rwlock_t *l);
int cond_resched_rwlock_write(rwlock_t *l);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
void mutex_init(struct mutex *m);
void down_read(struct rw_semaphore *s);
void up_read(struct rw_semaphore *s);
void down_write(struct rw_semaphore *s);
void up_write(struct rw_semaphore *s);
bool need_resched(void);
void cond_resched(void);

void stub_assert_held(const void *lock, const char *how);
#define lockdep_assert_held(l)		stub_assert_held(l, "any")
#define lockdep_assert_held_read(l)	stub_assert_held(l, "read")
#define lockdep_assert_held_write(l)	stub_assert_held(l, "write")

struct rcu_head {
	void (*func)(struct rcu_head *head);
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void rcu_barrier(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
#define rcu_dereference(p)	READ_ONCE(p)

/*
 * guard(class)(lock) holds to the end of the block, scoped_guard(class, lock)
 * to the end of the statement.
 */
#define DEFINE_GUARD(class, type, take, drop)				\
	typedef type class##_guard_t;					\
	static inline type class##_guard_take(type _T) { take; return _T; } \
	static inline void class##_guard_drop(type *_P) { type _T = *_P; drop; }

#define guard(class)							\
	class##_guard_t STUB_UNIQUE(_guard)				\
		__attribute__((cleanup(class##_guard_drop), unused)) =	\
		class##_guard_take

#define scoped_guard(class, args...)					\
	for (class##_guard_t _scope __attribute__((cleanup(class##_guard_drop))) = \
	     class##_guard_take(args), *_once = &_scope; _once; _once = NULL)

DEFINE_GUARD(mutex, struct mutex *, mutex_lock(_T), mutex_unlock(_T))
DEFINE_GUARD(spinlock, spinlock_t *, spin_lock(_T), spin_unlock(_T))
DEFINE_GUARD(read_lock, rwlock_t *, read_lock(_T), read_unlock(_T))
DEFINE_GUARD(write_lock, rwlock_t *, write_lock(_T), write_unlock(_T))

typedef int rcu_guard_t;
static inline int rcu_guard_take(void)
{
	rcu_read_lock();
	return 0;
}
static inline void rcu_guard_drop(int *unused)
{
	rcu_read_unlock();
}

#endif /* STUB_LOCK_H */
