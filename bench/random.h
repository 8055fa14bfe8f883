/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SALLYPORT_BENCH_RANDOM_H
#define SALLYPORT_BENCH_RANDOM_H

#include <linux/types.h>

/* Marsaglia's xorshift: a few cycles, where the kernel's generator costs more than what is measured. Never 0. */
static __always_inline __u32 draw(__u32 *state)
{
	__u32 x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

#endif
