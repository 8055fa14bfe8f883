// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Packets for a router, made where a driver would hand them over: BPF_PROG_TEST_RUN with live frames puts them into the
 * network stack behind this program, so that nothing of a sender is in the figures. They end right behind the far veth.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "../random.h"

#define FIRST_LOCAL_PORT  1024
#define FIRST_REMOTE_PORT 2000
/* Flows to one remote port, as a power of two. */
#define PORTS_SHIFT 14
#define HEADERS	    (ETH_HLEN + sizeof(struct iphdr))

/* What the next frames are; bench/forwarding/frames.ts has the same layout. */
struct frame_plan {
	/* Forwarding changes the headers of a frame that the test run then uses again. */
	__u8 headers[40];
	/* Flows are drawn from 0 .. flows - 1; 0: each frame takes the next flow that nobody had. */
	__u32 flows;
	__u32 next_flow;
	/* State of the generator, never 0. */
	__u32 random;
	/* Frames are the flows' answers. */
	__u32 reply;
	/* Frames that came through. */
	__u64 arrived;
};
_Static_assert(sizeof(struct frame_plan) == 64, "bench/forwarding/frames.ts knows the offsets");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame_plan);
} frame_plan SEC(".maps");

SEC("xdp")
int make_frame(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *data_end = (void *)(long)context->data_end;
	struct frame_plan *plan;
	struct udphdr *udp = data + HEADERS;
	__u32 zero = 0, number;
	__be16 local, remote;

	plan = bpf_map_lookup_elem(&frame_plan, &zero);
	if (!plan || (void *)(udp + 1) > data_end)
		return XDP_DROP;
	number = plan->flows ? (__u64)draw(&plan->random) * plan->flows >> 32 : plan->next_flow++;
	local = bpf_htons(FIRST_LOCAL_PORT + (number & ((1 << PORTS_SHIFT) - 1)));
	remote = bpf_htons(FIRST_REMOTE_PORT + (number >> PORTS_SHIFT));
	__builtin_memcpy(data, plan->headers, HEADERS);
	udp->source = plan->reply ? remote : local;
	udp->dest = plan->reply ? local : remote;
	return XDP_PASS;
}

/* Has an interface keep receive queues that frames can seem to come from. */
SEC("xdp")
int pass(struct xdp_md *context)
{
	return XDP_PASS;
}

/* At the far end: counts what came through and ends it there. Other protocols go on to their sockets. */
SEC("tc")
int sink(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct frame_plan *plan;
	__u32 zero = 0;

	plan = bpf_map_lookup_elem(&frame_plan, &zero);
	if (!plan || skb->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > data_end || ip->protocol != IPPROTO_UDP)
		return TC_ACT_UNSPEC;
	__sync_fetch_and_add(&plan->arrived, 1);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
