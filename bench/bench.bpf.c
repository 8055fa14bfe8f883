// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The datapath's own programs behind one that makes each packet of a test run another flow's. BPF_PROG_TEST_RUN
 * repeats one packet, and one packet meets one entry, which the cache would then hold for good.
 */
#include "../datapath/bpf/sallyport.bpf.c"
#include "random.h"

#define FIRST_PORT 1024
/* Flows of one remote address, as a power of two. */
#define PORTS_SHIFT 14

/* What the next runs do; bench/node.ts has the same layout. */
struct bench_plan {
	/* Of a flow's entry, but for remote address and port. */
	struct connection_key key;
	/* Flows are drawn from 0 .. flows - 1; 0: each run takes the next flow that nobody had. */
	__u32 flows;
	__u32 next_flow;
	/* State of the generator, never 0. */
	__u32 random;
};
_Static_assert(sizeof(struct bench_plan) == 40, "bench/node.ts knows the offsets");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_plan);
} bench_plan SEC(".maps");

struct flow {
	__be32 address;
	__u16 port;
};

static __always_inline struct flow next_flow(struct bench_plan *plan)
{
	__u32 number = plan->flows ? (__u64)draw(&plan->random) * plan->flows >> 32 : plan->next_flow++;

	return (struct flow){
		.address = bpf_htonl(number >> PORTS_SHIFT),
		.port = FIRST_PORT + (number & ((1 << PORTS_SHIFT) - 1)),
	};
}

/* Makes the packet the flow's; the low bits of the remote address are zero in the template. */
static __always_inline int rewrite(struct __sk_buff *skb, struct flow flow, __u32 direction)
{
	bool egress = direction == DIRECTION_EGRESS;
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = data;
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	struct iphdr *ip = data + ETH_HLEN;
	__be16 *ports;

	if ((void *)(ip6 + 1) + sizeof(struct udphdr) > data_end)
		return -1;
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		(egress ? &ip6->daddr : &ip6->saddr)->s6_addr32[3] = flow.address;
		ports = (void *)(ip6 + 1);
	} else {
		__be32 *address = egress ? &ip->daddr : &ip->saddr;

		*address = (*address & bpf_htonl(0xffff0000)) | flow.address;
		ports = (void *)(ip + 1);
	}
	ports[egress] = bpf_htons(flow.port);
	return 0;
}

static __always_inline struct bench_plan *find_plan(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bench_plan, &zero);
}

static __always_inline int measure(struct __sk_buff *skb, __u32 direction)
{
	struct bench_plan *plan = find_plan();

	if (!plan || rewrite(skb, next_flow(plan), direction))
		return TC_ACT_SHOT;
	return handle(skb, find_endpoint(skb->ifindex), direction, false);
}

SEC("tc")
int bench_from_pod(struct __sk_buff *skb)
{
	return measure(skb, DIRECTION_EGRESS);
}

SEC("tc")
int bench_to_pod(struct __sk_buff *skb)
{
	return measure(skb, DIRECTION_INGRESS);
}

/* What a test run and the rewriting cost without us: all figures are net of it. */
SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	struct bench_plan *plan = find_plan();

	if (!plan || rewrite(skb, next_flow(plan), DIRECTION_INGRESS))
		return TC_ACT_SHOT;
	return VERDICT_NEXT;
}

/* The next flow's packet, and the key that its entry has. */
static __always_inline bool next_key(struct __sk_buff *skb, struct connection_key *key)
{
	struct bench_plan *plan = find_plan();
	struct flow flow;

	if (!plan)
		return false;
	flow = next_flow(plan);
	if (rewrite(skb, flow, DIRECTION_INGRESS))
		return false;
	*key = plan->key;
	if (key->kind & KIND_IPV6)
		key->remote[3] = flow.address;
	else
		key->remote[0] |= flow.address;
	key->remote_port = flow.port;
	return true;
}

/* A hash map of the kernel's with the same entries: what everybody else keeps connections in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1048576);
	__type(key, struct connection_key);
	__type(value, struct exempt_entry);
} bench_hash SEC(".maps");

static __always_inline int insert(struct connection_key *key)
{
	struct exempt_entry fresh = {.word = (__u64)STATE_OPENING << 32};

	return bpf_map_update_elem(&bench_hash, key, &fresh, BPF_NOEXIST) ? TC_ACT_SHOT : VERDICT_NEXT;
}

/* One lookup in that map. */
SEC("tc")
int bench_lookup(struct __sk_buff *skb)
{
	struct connection_key key;

	if (!next_key(skb, &key))
		return TC_ACT_SHOT;
	return bpf_map_lookup_elem(&bench_hash, &key) ? VERDICT_NEXT : TC_ACT_SHOT;
}

/* One insertion into it, of entries that no lookup asks for. */
SEC("tc")
int bench_insert(struct __sk_buff *skb)
{
	struct connection_key key;

	if (!next_key(skb, &key))
		return TC_ACT_SHOT;
	key.endpoint = ~0U;
	return insert(&key);
}

/* Takes them out again, so that the map's fill stays what it is said to be. */
SEC("tc")
int bench_remove(struct __sk_buff *skb)
{
	struct connection_key key;

	if (!next_key(skb, &key))
		return TC_ACT_SHOT;
	key.endpoint = ~0U;
	return bpf_map_delete_elem(&bench_hash, &key) ? TC_ACT_SHOT : VERDICT_NEXT;
}

/* Puts the entry of a flow that the connection table has into that map; drops where the table has none. */
SEC("tc")
int bench_copy(struct __sk_buff *skb)
{
	struct connection_key key;
	struct config *config;
	__u32 zero = 0;
	__u64 word;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!config || !next_key(skb, &key) || !find_by_search(config, &key, &word))
		return TC_ACT_SHOT;
	return insert(&key);
}
