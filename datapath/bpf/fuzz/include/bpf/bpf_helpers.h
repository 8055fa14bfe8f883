/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In place of libbpf's header, whose helpers are numbers that only the kernel can call: for code that is compiled for
 * user space. Helpers that fuzzed code calls are functions of skb.h; the others are never reached.
 */
#ifndef SALLYPORT_FUZZ_BPF_HELPERS_H
#define SALLYPORT_FUZZ_BPF_HELPERS_H

#include <linux/types.h>

#define SEC(name)
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define __noinline	     __attribute__((noinline))
#define __uint(name, value)  int(*name)[value]
#define __type(name, value)  typeof(value) *name
#define __array(name, value) typeof(value) *name[]

enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

struct fuzz_skb;

long bpf_skb_load_bytes(const struct fuzz_skb *skb, __u32 offset, void *to, __u32 length);
long bpf_skb_pull_data(struct fuzz_skb *skb, __u32 length);

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *data, __u64 flags);
__u32 bpf_get_prandom_u32(void);
__u64 bpf_jiffies64(void);

#endif
