// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The datapath's programs. One body judges both directions and both families. */
#include "judge.h"
#include "sweep.h"
#include "unattended.h"

/* Id of the endpoint whose pod `into_pod` is loaded for: interface numbers are of one network namespace only. */
const volatile __u32 pod_endpoint = 0;

static __always_inline int handle(struct __sk_buff *skb, struct endpoint *endpoint, __u32 direction, bool pod_side)
{
	struct judgement j = {.skb = skb, .endpoint = endpoint, .pod_side = pod_side};
	struct verdict verdict;
	__u32 zero = 0;

	j.config = bpf_map_lookup_elem(&configuration, &zero);
	/* Attached to an interface that no endpoint describes: closed, like an endpoint without a policy. */
	if (!endpoint || !j.config)
		return TC_ACT_SHOT;
	j.packet.direction = direction;
	j.now = clock_now(j.config);
	j.policy = *(volatile __u64 *)&endpoint->policy;
	verdict = judge(&j);
	count(endpoint, direction, wire_of(skb, &j.packet), verdict);
	if (j.config->flags & CONFIG_VERDICTS)
		record(endpoint, &j.packet, verdict);
	return passes(verdict) ? VERDICT_NEXT : TC_ACT_SHOT;
}

/* What leaves the pod: at tcx ingress of the host-side veth, where the pod can't bypass it. */
SEC("tc")
int from_pod(struct __sk_buff *skb)
{
	return handle(skb, find_endpoint(skb->ifindex), DIRECTION_EGRESS, false);
}

/* What enters the pod: at tcx egress of the host-side veth. */
SEC("tc")
int to_pod(struct __sk_buff *skb)
{
	return handle(skb, find_endpoint(skb->ifindex), DIRECTION_INGRESS, false);
}

/*
 * What enters the pod, at tcx ingress of its own interface: for nodes whose CNI delivers with bpf_redirect_peer, which
 * leaves the host side out. Loaded for each pod with `pod_endpoint` set.
 */
SEC("tc")
int into_pod(struct __sk_buff *skb)
{
	return handle(skb, endpoint_of_id(pod_endpoint), DIRECTION_INGRESS, true);
}

/* Beside `into_pod`, at tcx egress of the host-side veth: only there it shows what comes from the node itself (S-20). */
SEC("tc")
int note_node(struct __sk_buff *skb)
{
	struct judgement j = {.skb = skb, .endpoint = find_endpoint(skb->ifindex)};
	__u32 zero = 0;

	j.config = bpf_map_lookup_elem(&configuration, &zero);
	if (j.endpoint && j.config) {
		j.packet.direction = DIRECTION_INGRESS;
		j.now = clock_now(j.config);
		note_node_originated(&j);
	}
	return VERDICT_NEXT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
