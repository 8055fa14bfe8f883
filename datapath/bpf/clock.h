/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The datapath's clock: jiffies in coarse ticks, so that a busy entry is written a few times a second at most. */
#ifndef SALLYPORT_CLOCK_H
#define SALLYPORT_CLOCK_H

#include "maps.h"

/* A tick is 2^clock_shift jiffies; the loader turns seconds into ticks by the measured HZ. */
const volatile __u32 clock_shift = 6;
/* The clock moves only when user space moves config.clock (tests, the lab's scenarios). */
const volatile __u32 standing_clock = 0;

static __always_inline __u32 clock_now(const struct config *config)
{
	if (standing_clock)
		return (__u32)config->clock;
	return (__u32)(bpf_jiffies64() >> clock_shift);
}

#endif
