/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STUB_COMPILER_H
#define STUB_COMPILER_H

/* Types, helpers and diagnostics that minikvm needs from a kernel, and no more. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed long long s64;
typedef unsigned long size_t;
typedef long long loff_t;
typedef unsigned long pgoff_t;
typedef _Bool bool;

#define true	1
#define false	0
#define NULL	((void *)0)

#define EIO		5
#define E2BIG		7
#define EAGAIN		11
#define ENOMEM		12
#define EFAULT		14
#define EBUSY		16
#define EINVAL		22
#define ENOENT		2
#define EINTR		4
#define EHWPOISON	133
#define EOPNOTSUPP	95

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l)	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define ALIGN(x, a)		ALIGN_DOWN((x) + (a) - 1, a)
#define IS_ALIGNED(x, a)	(!((x) & ((typeof(x))(a) - 1)))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define min(a, b)		({ typeof(a) _ma = (a); typeof(b) _mb = (b); _ma < _mb ? _ma : _mb; })
#define max(a, b)		({ typeof(a) _ma = (a); typeof(b) _mb = (b); _ma > _mb ? _ma : _mb; })

#define offsetof(type, member)	__builtin_offsetof(type, member)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define __must_check		__attribute__((__warn_unused_result__))
#define __always_inline		inline __attribute__((__always_inline__))
#define __maybe_unused		__attribute__((__unused__))
#define __init
#define __initdata
#define __ro_after_init
#define __rcu
#define __user
#define fallthrough		__attribute__((__fallthrough__))

#define EXPORT_SYMBOL_GPL(sym)		extern typeof(sym) sym
#define EXPORT_SYMBOL_FOR_KVM(sym)	EXPORT_SYMBOL_GPL(sym)

#define STUB_GLUE_(a, b)	a##b
#define STUB_GLUE(a, b)		STUB_GLUE_(a, b)
#define STUB_UNIQUE(name)	STUB_GLUE(name, __COUNTER__)

/* One for an option defined as 1, zero for one that is not defined. */
#define STUB_OPT_1			0,
#define STUB_PICK_2ND(a, b, ...)	b
#define STUB_OPT_SET(mark)		STUB_PICK_2ND(mark 1, 0, 0)
#define STUB_OPT(value)			STUB_OPT_SET(STUB_OPT_##value)
#define IS_ENABLED(option)		STUB_OPT(option)

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define cpu_relax()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define try_cmpxchg64(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

void stub_report(const char *kind, const char *text, ...);
#define pr_err(...)		stub_report("err", __VA_ARGS__)
#define pr_warn(...)		stub_report("warn", __VA_ARGS__)
#define pr_err_ratelimited(...)	stub_report("err", __VA_ARGS__)

#define WARN_ON(cond) ({					\
	bool _hit = !!(cond);					\
	if (unlikely(_hit))					\
		stub_report("warn", #cond);			\
	unlikely(_hit);						\
})
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define BUG()			__builtin_trap()

#define IS_ERR(p)	unlikely((unsigned long)(p) >= (unsigned long)-4095)
#define PTR_ERR(p)	((long)(p))
#define ERR_PTR(e)	((void *)(long)(e))

typedef struct { int count; } atomic_t;
int atomic_read(const atomic_t *v);
void atomic_set(atomic_t *v, int n);
void atomic_inc(atomic_t *v);
bool atomic_inc_not_zero(atomic_t *v);
bool atomic_add_unless(atomic_t *v, int n, int unless);
bool atomic_dec_and_test(atomic_t *v);

typedef struct { int refs; } refcount_t;
void refcount_set(refcount_t *r, int n);
int refcount_read(const refcount_t *r);
bool refcount_inc_not_zero(refcount_t *r);
bool refcount_dec_and_test(refcount_t *r);

#endif /* STUB_COMPILER_H */
