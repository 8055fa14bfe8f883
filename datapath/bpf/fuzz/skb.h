/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet in user space, as programs see one: a linear part, of exact size so that the sanitizer sees every overread. */
#ifndef SALLYPORT_FUZZ_SKB_H
#define SALLYPORT_FUZZ_SKB_H

#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* The fields of struct __sk_buff that parsing reads, with pointers of this machine's size. */
struct fuzz_skb {
	unsigned long data;
	unsigned long data_end;
	__u32 len;
	__u32 gso_size;
	__u32 ifindex;
	__u32 ingress_ifindex;
	/* The whole packet, which programs reach through helpers only. */
	const __u8 *whole;
};

#define __sk_buff fuzz_skb

/* So that the IP header is aligned, as drivers receive frames (NET_IP_ALIGN). */
#define ALIGNMENT 2

static void free_linear(struct fuzz_skb *skb)
{
	if (skb->data)
		free((void *)(skb->data - ALIGNMENT));
}

static void set_linear(struct fuzz_skb *skb, __u32 length)
{
	__u8 *linear = malloc(ALIGNMENT + length);

	memcpy(linear + ALIGNMENT, skb->whole, length);
	free_linear(skb);
	skb->data = (unsigned long)(linear + ALIGNMENT);
	skb->data_end = skb->data + length;
}

long bpf_skb_load_bytes(const struct fuzz_skb *skb, __u32 offset, void *to, __u32 length)
{
	if (offset > skb->len || length > skb->len - offset)
		return -1;
	memcpy(to, skb->whole + offset, length);
	return 0;
}

/* Moves the linear part, as the kernel may. */
long bpf_skb_pull_data(struct fuzz_skb *skb, __u32 length)
{
	if (length > skb->len)
		return -1;
	if (skb->data_end - skb->data < length)
		set_linear(skb, length);
	return 0;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	(void)map, (void)key;
	abort();
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	(void)map, (void)key, (void)value, (void)flags;
	abort();
}

long bpf_map_delete_elem(void *map, const void *key)
{
	(void)map, (void)key;
	abort();
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	(void)ring, (void)size, (void)flags;
	abort();
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	(void)data, (void)flags;
	abort();
}

__u32 bpf_get_prandom_u32(void)
{
	abort();
}

__u64 bpf_jiffies64(void)
{
	abort();
}

#endif
