// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The datapath's programs. One body judges both directions and both families. */
#include "judge.h"
#include "sweep.h"

static __always_inline int handle(struct __sk_buff *skb, __u32 direction)
{
	struct judgement j = { .skb = skb };
	struct verdict verdict;
	__u32 zero = 0;

	j.endpoint = find_endpoint(skb->ifindex);
	j.config = bpf_map_lookup_elem(&configuration, &zero);
	/* Attached to an interface that no endpoint describes: closed, like an endpoint without a policy. */
	if (!j.endpoint || !j.config)
		return TC_ACT_SHOT;
	j.packet.direction = direction;
	j.now = clock_now(j.config);
	verdict = judge(&j, *(volatile __u64 *)&j.endpoint->policy);
	count(j.endpoint, direction, skb->len, verdict);
	if (j.config->flags & CONFIG_VERDICTS)
		record(j.endpoint, &j.packet, verdict);
	return passes(verdict) ? VERDICT_NEXT : TC_ACT_SHOT;
}

/* What leaves the pod: at tcx ingress of the host-side veth, where the pod can't bypass it. */
SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	return handle(skb, DIRECTION_EGRESS);
}

/* What enters the pod: at tcx egress of the host-side veth. */
SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	return handle(skb, DIRECTION_INGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
