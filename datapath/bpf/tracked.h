/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The stages from the connection table on: entry, the node's own flows, rules, new entry. */
#ifndef SALLYPORT_TRACKED_H
#define SALLYPORT_TRACKED_H

#include "exempt.h"
#include "judgement.h"

/* Makes an entry, in its own slot where an old one of the same key is left over (S-39). */
static __always_inline enum admission make_entry(struct judgement *j, struct connection *left_over, __u64 old)
{
	__u64 word = first_word(&j->packet, &j->key, j->now);

	if (!left_over)
		return admit(j->endpoint, &j->key, word);
	/*
	 * An expired entry leaves the count here, and its slot is not to be had while the maximum is below it (S-71).
	 */
	if (j->endpoint->used > j->endpoint->conntrack_max && !is_live(j->endpoint, old, j->now)) {
		remove_connection(j->endpoint, left_over, &j->key, old);
		return OVER_ALLOWANCE;
	}
	return swap_word(left_over, old, word) ? ADMITTED : ADMISSION_RACE;
}

/* Whether a packet that is no plain SYN may begin a tracked TCP connection (S-40, S-40a). */
static __always_inline bool may_begin_midstream(struct judgement *j)
{
	if (j->flags & POLICY_ADOPT && (__s32)(j->endpoint->adopt_until - j->now) > 0)
		return true;
	return permits_opposite(&j->packet, j->rules_slot);
}

static __always_inline bool needs_entry(struct judgement *j)
{
	const struct packet *packet = &j->packet;

	if (is_icmp(packet))
		return packet->icmp == ICMP_ECHO_REQUEST;
	if (packet->protocol != IPPROTO_TCP || is_plain_syn(packet))
		return true;
	return !(packet->tcp_flags & TCP_RST) && may_begin_midstream(j);
}

static __always_inline bool is_tcp_syn(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP && is_plain_syn(packet);
}

/* Whether a packet of the node's begins a flow whose replies are exempt (S-20). */
static __always_inline bool begins_exempt_flow(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return is_plain_syn(packet);
	return !is_icmp(packet) || packet->icmp == ICMP_ECHO_REQUEST;
}

/*
 * Takes a packet between the pod and its node for one of a flow that the node began, or lets it begin one. What the
 * node only forwards is filtered like any other, whosever ports and address it bears.
 */
static __always_inline bool is_exempt_flow(struct judgement *j, bool from_node)
{
	struct packet *packet = &j->packet;
	struct connection fresh, *exemption = NULL;
	bool reopens;
	__u64 word;

	if (packet->direction == DIRECTION_INGRESS && !from_node && !j->pod_side)
		return false;
	if (is_trackable(packet))
		exemption = bpf_map_lookup_elem(&exemptions, &j->key);
	if (exemption) {
		word = read_word(exemption);
		/* A new SYN of the node begins anew; the pod's is judged by the rules (S-39). */
		reopens = word_state(word) == STATE_CLOSING && is_tcp_syn(packet);
		if (reopens && from_node) {
			swap_word(exemption, word, first_word(packet, &j->key, j->now));
			j->exempt_flow = true;
			return true;
		}
		if (!reopens && is_live(j->endpoint, word, j->now)) {
			touch(exemption, packet, word, j->now);
			j->exempt_flow = true;
			return true;
		}
	}
	if (!from_node)
		return false;
	if (begins_exempt_flow(packet)) {
		fresh.word = first_word(packet, &j->key, j->now);
		bpf_map_update_elem(&exemptions, &j->key, &fresh, BPF_ANY);
		j->exempt_flow = true;
		return true;
	}
	return packet->protocol != IPPROTO_TCP;
}

/* Steps from the connection table on. Returns false when it lost a race and is to be asked again. */
static __always_inline bool judge_tracked(struct judgement *j, const struct policy *policy, struct verdict *verdict)
{
	struct endpoint *endpoint = j->endpoint;
	struct connection *connection = NULL;
	struct packet *packet = &j->packet;
	bool trackable = is_trackable(packet);
	bool live = false, reopens = false;
	enum admission admission;
	__u64 word = 0;
	__u32 rule;

	if (trackable && policy) {
		connection = bpf_map_lookup_elem(&connections, &j->key);
		if (connection) {
			word = read_word(connection);
			live = is_live(endpoint, word, j->now);
			reopens = live && word_state(word) == STATE_CLOSING && is_tcp_syn(packet);
			if (word_state(word) == STATE_CLAIMED)
				connection = NULL;
		}
	}
	if (live && !reopens) {
		if (j->acl_pending && acl_denies(j, verdict))
			return true;
		touch(connection, packet, word, j->now);
		*verdict = verdict_of(REASON_CONNECTION, TRACKING_TRACKED);
		return true;
	}

	if (!(j->flags & POLICY_ACL))
		j->node = is_node(j->config, packet);
	if (j->node) {
		if (is_exempt_flow(j, is_node_originated(j->skb, packet))) {
			*verdict = verdict_of(REASON_EXEMPT, TRACKING_NONE);
			return true;
		}
		if (j->acl_pending && acl_denies(j, verdict))
			return true;
	}
	if (!policy) {
		*verdict = verdict_of(REASON_UNFILTERED, TRACKING_NONE);
		return true;
	}

	rule = permit(packet, j->rules_slot);
	if (rule == NO_RULE) {
		*verdict = verdict_of(REASON_NO_RULE, TRACKING_NONE);
		if (connection && !live)
			remove_connection(endpoint, connection, &j->key, word);
		return true;
	}
	if (!needs_entry(j)) {
		*verdict = verdict_by_rule(REASON_RULE, TRACKING_NONE, j->rules_slot, rule);
		if (connection && !live)
			remove_connection(endpoint, connection, &j->key, word);
		return true;
	}
	admission = make_entry(j, connection, word);
	switch (admission) {
	case ADMITTED:
		*verdict = verdict_by_rule(REASON_RULE, TRACKING_TRACKED, j->rules_slot, rule);
		return true;
	case OVER_ALLOWANCE:
		__sync_fetch_and_add(&endpoint->conntrack_allowance_exceeded, 1);
		*verdict = verdict_by_rule(REASON_CONNTRACK_ALLOWANCE, TRACKING_NONE, j->rules_slot, rule);
		return true;
	case TABLE_IS_FULL:
		__sync_fetch_and_add(&endpoint->conntrack_table_full, 1);
		*verdict = verdict_by_rule(REASON_TABLE_FULL, TRACKING_NONE, j->rules_slot, rule);
		return true;
	case ADMISSION_RACE:
		return false;
	}
	return false;
}

#endif
