/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order in which a packet is judged (docs/semantics.md); each step is named after what it decides. */
#ifndef SALLYPORT_JUDGE_H
#define SALLYPORT_JUDGE_H

#include "exempt.h"
#include "fragment.h"
#include "judgement.h"
#include "parse.h"
#include "rates.h"
#include "related.h"
#include "tracked.h"
#include "wire.h"

/* How often a packet looks again when another CPU makes or deletes the entry that it needs. */
#define RACE_TRIES 2

/* A packet of an endpoint with a group or an ACL whose shape and source are in order. */
static __always_inline struct verdict judge_filtered(struct judgement *j)
{
	struct packet *packet = &j->packet;
	struct policy *policy = NULL;
	struct verdict verdict = verdict_of(REASON_TABLE_FULL, TRACKING_NONE);
	bool group = j->flags & POLICY_GROUP;
	int i;

	if (j->flags & POLICY_ACL) {
		j->node = is_node(j->config, packet);
		j->acl_pending = j->node;
		if (!j->node && acl_denies(j, &verdict))
			return verdict;
		if (!group && !j->node)
			return verdict_of(REASON_UNFILTERED, TRACKING_NONE);
	}
	if (group) {
		policy = find_policy(j->rules_slot);
		if (!policy)
			return verdict_of(REASON_NOT_PROGRAMMED, TRACKING_NONE);
		if (is_untracked(j->config, policy, packet, is_plain_syn(packet))) {
			if (j->acl_pending && acl_denies(j, &verdict))
				return verdict;
			return verdict_of(REASON_UNTRACKED, TRACKING_UNTRACKED);
		}
	}
	if (is_icmp(packet) && packet->icmp == ICMP_ERROR) {
		j->node = is_node(j->config, packet);
		switch (judge_quote(j, policy)) {
		case QUOTES_OWN_FLOW:
			if (j->acl_pending && acl_denies(j, &verdict))
				return verdict;
			return verdict_of(REASON_RELATED, TRACKING_NONE);
		case QUOTES_EXEMPT_FLOW:
			return verdict_of(REASON_EXEMPT, TRACKING_NONE);
		case QUOTES_NOTHING:
			break;
		}
	}
#pragma clang loop unroll(disable)
	for (i = 0; i < RACE_TRIES; i++) {
		if (judge_tracked(j, policy, &verdict))
			return verdict;
	}
	/* Only while another CPU is deleting the entry of this very flow: the sender's next packet finds it gone. */
	__sync_fetch_and_add(&j->endpoint->conntrack_table_full, 1);
	return verdict_of(REASON_TABLE_FULL, TRACKING_NONE);
}

/* Whether the pod sends more to link-local services, DNS and its own link than their allowance (S-75). */
static __always_inline bool is_over_link_local(struct judgement *j)
{
	struct rates *rates;
	struct wire wire;

	if (!(j->flags & POLICY_RATES) || j->packet.direction != DIRECTION_EGRESS)
		return false;
	rates = rates_of(j->endpoint);
	wire = wire_of(j->skb, &j->packet);
	if (!rates || !rates->link_local.cost_shift || take(&rates->link_local, bucket_now(j->config), wire.packets, 0))
		return false;
	__sync_fetch_and_add(&j->endpoint->linklocal_allowance_exceeded, wire.packets);
	return true;
}

/* What S-20 exempts, by the reason that a pod's packets have where nothing filters them. */
static __always_inline struct verdict exempt_verdict(const struct judgement *j)
{
	bool filtered = j->flags & (POLICY_GROUP | POLICY_ACL);

	return verdict_of(j->flags & POLICY_PROGRAMMED && !filtered ? REASON_UNFILTERED : REASON_EXEMPT, TRACKING_NONE);
}

/* Packet rate, then bandwidth; a packet over one of them counts once (S-75). */
static __always_inline bool is_policed(struct judgement *j, struct verdict *verdict)
{
	struct rates *rates = rates_of(j->endpoint);
	const bool egress = j->packet.direction == DIRECTION_EGRESS;
	const bool queues = egress && queue_horizon;
	struct bucket *bandwidth;
	__u64 now, sent, wait;
	struct wire wire;

	if (!rates)
		return false;
	wire = wire_of(j->skb, &j->packet);
	now = bucket_now(j->config);
	if (rates->packets.cost_shift && !take(&rates->packets, now, wire.packets, 0)) {
		__sync_fetch_and_add(&j->endpoint->pps_allowance_exceeded, wire.packets);
		*verdict = verdict_of(REASON_PACKET_ALLOWANCE, TRACKING_NONE);
		return true;
	}
	bandwidth = &rates->bandwidth[egress ? DIRECTION_EGRESS : DIRECTION_INGRESS];
	if (!bandwidth->cost_shift)
		return false;
	sent = queues ? bpf_ktime_get_ns() : 0;
	wait = take(bandwidth, queues ? bucket_time(j->config, sent) : now, wire.bytes, queues ? queue_horizon : 0);
	if (wait == 1)
		return false;
	__sync_fetch_and_add(egress ? &j->endpoint->bw_out_allowance_exceeded : &j->endpoint->bw_in_allowance_exceeded,
			     wire.packets);
	if (!wait) {
		*verdict = verdict_of(REASON_BANDWIDTH_ALLOWANCE, TRACKING_NONE);
		return true;
	}
	delay(j->skb, sent, wait);
	return false;
}

/* Whether what let a first fragment pass without an entry is still there: S-53 cuts later fragments too. */
static __always_inline bool still_passes(struct judgement *j, __u8 reason, bool changed)
{
	struct policy *policy = NULL;

	if (j->flags & POLICY_GROUP)
		policy = find_policy(j->rules_slot);
	if (reason == REASON_UNTRACKED)
		return policy && is_untracked(j->config, policy, &j->packet, is_plain_syn(&j->packet));
	if (!changed)
		return true;
	if (reason == REASON_UNFILTERED)
		return !policy;
	return reason == REASON_RULE && policy && permit(&j->packet, j->rules_slot) != NO_RULE;
}

/* S-41: as the first fragment of the datagram, while what let that pass is there. */
static __always_inline struct verdict judge_later_fragment(struct judgement *j)
{
	const struct verdict cut = verdict_of(REASON_FRAGMENT, TRACKING_NONE);
	struct fragment *fragment = &j->fragment;
	struct packet *packet = &j->packet;
	struct verdict verdict;
	bool changed, live;

	fragment_of(fragment, packet, &j->key, j->policy, j->now);
	if (!recall_fragment(j->endpoint->counters, fragment))
		return cut;
	packet->protocol = fragment->key.protocol;
	packet->local_port = fragment->key.local_port;
	packet->remote_port = fragment->key.remote_port;
	packet->icmp_type_code = fragment->icmp_type_code;
	packet->tcp_flags = fragment->tcp_flags;
	changed = fragment->policy != j->policy;
	if (changed && fragment->reason != REASON_EXEMPT && j->flags & POLICY_ACL && acl_denies(j, &verdict))
		return verdict;
	if (fragment->entry != ENTRY_NONE)
		live = refresh_entry(&fragment->key, fragment->entry, j->now);
	else
		live = fragment->reason == REASON_EXEMPT || still_passes(j, fragment->reason, changed);
	return live ? verdict_of(fragment->reason, fragment->tracking) : cut;
}

static __always_inline void remember(struct judgement *j, struct verdict verdict)
{
	struct fragment *fragment = &j->fragment;

	connection_key_of(&j->key, j->endpoint, &j->packet,
			  address_serial(j->endpoint, j->packet.family, j->packet.local));
	fragment_of(fragment, &j->packet, &j->key, j->policy, j->now);
	fragment->reason = verdict.reason;
	fragment->tracking = verdict.tracking;
	if (verdict.tracking == TRACKING_TRACKED)
		fragment->entry = ENTRY_CONNECTION;
	else if (j->exempt_flow)
		fragment->entry = ENTRY_EXEMPTION;
	remember_fragment(j->endpoint->counters, fragment);
}

/* A packet with a shape and a source that are in order. */
static __always_inline struct verdict judge_sound(struct judgement *j, int shape)
{
	bool service = is_service_exempt(&j->packet);
	struct verdict verdict;

	if (service && is_over_link_local(j))
		return verdict_of(REASON_LINKLOCAL_ALLOWANCE, TRACKING_NONE);
	if (j->flags & POLICY_RATES && is_policed(j, &verdict))
		return verdict;
	if (service || !(j->flags & (POLICY_GROUP | POLICY_ACL)))
		return exempt_verdict(j);
	if (shape == PACKET_LATER_FRAGMENT)
		return judge_later_fragment(j);
	return judge_filtered(j);
}

static __always_inline struct verdict judge_shape(struct judgement *j, int shape)
{
	bool filtered = j->flags & (POLICY_GROUP | POLICY_ACL);
	struct packet *packet = &j->packet;
	struct verdict verdict;
	__u16 serial;

	if (shape == PACKET_ARP || is_always_exempt(j->config, packet, shape))
		return exempt_verdict(j);
	if ((shape == PACKET_IP || shape == PACKET_LATER_FRAGMENT) && is_node_link(j->config, packet))
		return is_over_link_local(j) ? verdict_of(REASON_LINKLOCAL_ALLOWANCE, TRACKING_NONE)
					     : exempt_verdict(j);
	if (!(j->flags & POLICY_PROGRAMMED))
		return verdict_of(REASON_NOT_PROGRAMMED, TRACKING_NONE);
	if (shape != PACKET_IP && shape != PACKET_LATER_FRAGMENT) {
		/* What nobody can read is held to the rates all the same. */
		if (!filtered && j->flags & POLICY_RATES && is_policed(j, &verdict))
			return verdict;
		return verdict_of(filtered ? REASON_MALFORMED : REASON_UNFILTERED, TRACKING_NONE);
	}
	if (filtered && shape == PACKET_IP && has_malformed_flags(packet))
		return verdict_of(REASON_MALFORMED, TRACKING_NONE);
	serial = address_serial(j->endpoint, packet->family, packet->local);
	if (!serial && j->flags & (POLICY_GROUP | POLICY_CHECK_SOURCE))
		return verdict_of(REASON_SPOOFED, TRACKING_NONE);
	connection_key_of(&j->key, j->endpoint, packet, serial);
	return judge_sound(j, shape);
}

static __always_inline struct verdict judge(struct judgement *j)
{
	struct verdict verdict;
	int shape;

	j->flags = policy_flags(j->policy);
	j->rules_slot = policy_rules(j->policy);
	j->acl_slot = policy_acl(j->policy);
	if ((j->flags & (POLICY_PROGRAMMED | POLICY_GROUP | POLICY_ACL | POLICY_CHECK_SOURCE | POLICY_RATES)) ==
	    POLICY_PROGRAMMED) {
		/* What a super-packet is on the wire depends on the length of its headers. */
		if (j->skb->gso_size)
			parse_unusual(j->skb, &j->packet);
		return verdict_of(REASON_UNFILTERED, TRACKING_NONE);
	}
	shape = parse(j->skb, &j->packet);
	verdict = judge_shape(j, shape);
	if (shape == PACKET_IP && j->packet.fragment == FIRST_FRAGMENT && j->flags & (POLICY_GROUP | POLICY_ACL))
		remember(j, verdict);
	return verdict;
}

/* For a hook that only looks on: makes the entry by which the pod-side hook knows what the node began. */
static __always_inline void note_node_originated(struct judgement *j)
{
	struct packet *packet = &j->packet;
	__u16 serial;

	if (j->skb->ingress_ifindex || parse(j->skb, packet) != PACKET_IP || !is_node(j->config, packet) ||
	    !is_node_originated(j->skb, packet))
		return;
	serial = address_serial(j->endpoint, packet->family, packet->local);
	connection_key_of(&j->key, j->endpoint, packet, serial);
	if (serial)
		exempt_flow(packet, &j->key, j->now, FROM_NODE);
}

#endif
