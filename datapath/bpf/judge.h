/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order in which a packet is judged; each step is named after what it decides. */
#ifndef SALLYPORT_JUDGE_H
#define SALLYPORT_JUDGE_H

#include "clock.h"
#include "connection.h"
#include "endpoint.h"
#include "exempt.h"
#include "maps.h"
#include "packet.h"
#include "policy.h"
#include "related.h"
#include "verdict.h"

/* How often a packet looks again when another CPU makes or deletes the entry that it needs. */
#define RACE_TRIES 3

struct judgement {
	struct __sk_buff *skb;
	struct endpoint *endpoint;
	const struct config *config;
	struct packet packet;
	struct connection_key key;
	__u32 now;
	__u32 flags;
	__u16 rules_slot;
	__u16 acl_slot;
	/* The remote is the node, and the ACL has not been asked yet. */
	bool node;
	bool acl_pending;
};

static __always_inline bool has_malformed_flags(const struct packet *packet)
{
	__u8 flags = packet->tcp_flags & TCP_FLAGS;

	return packet->protocol == IPPROTO_TCP &&
	       (!flags || (flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)));
}

/* S-88, before a packet is taken as one of the pod's own flows. */
static __always_inline bool acl_denies(struct judgement *j, struct verdict *verdict)
{
	__u32 rule = NO_RULE;

	j->acl_pending = false;
	if (acl_allows(&j->packet, j->acl_slot, &rule))
		return false;
	*verdict = verdict_by_rule(REASON_ACL_DENY, TRACKING_NONE, j->acl_slot, rule);
	return true;
}

/* The live entry of a quoted flow in `table`, which a related error does not refresh. */
static __always_inline bool quotes_entry(const struct judgement *j, void *table, const struct packet *quoted,
					 __u16 serial)
{
	struct connection_key key;
	struct connection *connection;

	connection_key_of(&key, j->endpoint, quoted, serial);
	connection = bpf_map_lookup_elem(table, &key);
	return connection && is_live(j->endpoint, read_word(connection), j->now);
}

enum quote {
	QUOTES_NOTHING,
	QUOTES_OWN_FLOW,
	QUOTES_EXEMPT_FLOW,
};

static __always_inline enum quote judge_quote(struct judgement *j, const struct policy *policy)
{
	struct packet quoted;
	__u16 serial;

	if (!parse_quote(j->skb, &j->packet, &quoted))
		return QUOTES_NOTHING;
	serial = address_serial(j->endpoint, quoted.family, quoted.local);
	if (!serial)
		return QUOTES_NOTHING;
	if (policy) {
		if (is_untracked(j->config, policy, &quoted, false))
			return QUOTES_OWN_FLOW;
		if (quotes_entry(j, &connections, &quoted, serial))
			return QUOTES_OWN_FLOW;
	}
	if (j->node && quotes_entry(j, &exemptions, &quoted, serial))
		return QUOTES_EXEMPT_FLOW;
	return QUOTES_NOTHING;
}

/* Makes an entry, in its own slot where an old one of the same key is left over (S-39). */
static __always_inline enum admission make_entry(struct judgement *j, struct connection *left_over, __u64 old)
{
	__u64 word = first_word(&j->packet, j->now);

	if (left_over)
		return swap_word(left_over, old, word) ? ADMITTED : ADMISSION_RACE;
	return admit(j->endpoint, &j->key, word);
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

/* Steps from the connection table on. Returns false when it lost a race and is to be asked again. */
static __always_inline bool judge_tracked(struct judgement *j, const struct policy *policy, struct verdict *verdict)
{
	struct endpoint *endpoint = j->endpoint;
	struct connection *connection = NULL, *exemption;
	struct packet *packet = &j->packet;
	bool trackable = is_trackable(packet);
	bool live = false, reopens = false, from_node;
	enum admission admission;
	__u64 word = 0, fresh;
	__u32 rule;

	if (trackable && policy) {
		connection = bpf_map_lookup_elem(&connections, &j->key);
		if (connection) {
			word = read_word(connection);
			live = is_live(endpoint, word, j->now);
			reopens = live && word_state(word) == STATE_CLOSING && packet->protocol == IPPROTO_TCP &&
				  is_plain_syn(packet);
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
		j->node = is_node(packet);
	if (j->node) {
		from_node = is_node_originated(j->skb, packet);
		exemption = trackable ? bpf_map_lookup_elem(&exemptions, &j->key) : NULL;
		*verdict = verdict_of(REASON_EXEMPT, TRACKING_NONE);
		if (exemption) {
			fresh = read_word(exemption);
			/* A new SYN of the node begins anew; the pod's can't (S-39). */
			if (from_node && packet->protocol == IPPROTO_TCP && is_plain_syn(packet) &&
			    word_state(fresh) == STATE_CLOSING) {
				swap_word(exemption, fresh, first_word(packet, j->now));
				return true;
			}
			if (is_live(endpoint, fresh, j->now) &&
			    !(word_state(fresh) == STATE_CLOSING && packet->protocol == IPPROTO_TCP && is_plain_syn(packet))) {
				touch(exemption, packet, fresh, j->now);
				return true;
			}
		}
		if (from_node) {
			bool begins = packet->protocol == IPPROTO_TCP ? is_plain_syn(packet)
								      : !is_icmp(packet) || packet->icmp == ICMP_ECHO_REQUEST;

			if (begins) {
				struct connection entry = { .word = first_word(packet, j->now) };

				bpf_map_update_elem(&exemptions, &j->key, &entry, BPF_ANY);
				return true;
			}
			if (packet->protocol != IPPROTO_TCP)
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

/* A packet of an endpoint with a group or an ACL whose shape and source are in order. */
static __always_inline struct verdict judge_filtered(struct judgement *j)
{
	struct packet *packet = &j->packet;
	struct policy *policy = NULL;
	struct verdict verdict = verdict_of(REASON_TABLE_FULL, TRACKING_NONE);
	bool group = j->flags & POLICY_GROUP;
	int i;

	if (j->flags & POLICY_ACL) {
		j->node = is_node(packet);
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
		j->node = is_node(packet);
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

static __always_inline struct verdict judge(struct judgement *j, __u64 policy)
{
	struct packet *packet = &j->packet;
	__u16 serial;
	int shape;

	j->flags = policy_flags(policy);
	j->rules_slot = policy_rules(policy);
	j->acl_slot = policy_acl(policy);
	if (j->flags & POLICY_PROGRAMMED && !(j->flags & (POLICY_GROUP | POLICY_ACL | POLICY_CHECK_SOURCE)))
		return verdict_of(REASON_UNFILTERED, TRACKING_NONE);

	shape = parse(j->skb, packet);
	if (shape == PACKET_ARP || ((shape == PACKET_IP) && is_always_exempt(packet))) {
		if (j->flags & POLICY_PROGRAMMED && !(j->flags & (POLICY_GROUP | POLICY_ACL)))
			return verdict_of(REASON_UNFILTERED, TRACKING_NONE);
		return verdict_of(REASON_EXEMPT, TRACKING_NONE);
	}
	if (!(j->flags & POLICY_PROGRAMMED))
		return verdict_of(REASON_NOT_PROGRAMMED, TRACKING_NONE);
	if (shape != PACKET_IP && shape != PACKET_LATER_FRAGMENT) {
		if (j->flags & (POLICY_GROUP | POLICY_ACL))
			return verdict_of(REASON_MALFORMED, TRACKING_NONE);
		return verdict_of(REASON_UNFILTERED, TRACKING_NONE);
	}
	if (j->flags & (POLICY_GROUP | POLICY_ACL) && has_malformed_flags(packet))
		return verdict_of(REASON_MALFORMED, TRACKING_NONE);
	serial = address_serial(j->endpoint, packet->family, packet->local);
	if (!serial && j->flags & (POLICY_GROUP | POLICY_CHECK_SOURCE))
		return verdict_of(REASON_SPOOFED, TRACKING_NONE);
	if (!(j->flags & (POLICY_GROUP | POLICY_ACL)))
		return verdict_of(REASON_UNFILTERED, TRACKING_NONE);
	if (is_service_exempt(packet))
		return verdict_of(REASON_EXEMPT, TRACKING_NONE);
	if (shape == PACKET_LATER_FRAGMENT)
		return verdict_of(REASON_FRAGMENT, TRACKING_NONE);
	connection_key_of(&j->key, j->endpoint, packet, serial);
	return judge_filtered(j);
}

#endif
