/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The stages from the connection table on: entry, the node's own flows, rules and new entry. */
#ifndef SALLYPORT_TRACKED_H
#define SALLYPORT_TRACKED_H

#include "begin.h"
#include "exempt.h"
#include "exempt_flow.h"
#include "judgement.h"

/* Whether the packet is of a flow that the node began; ingress shows by itself whether the node sends it. */
static __always_inline bool is_exempt(struct judgement *j)
{
	__u32 origin = is_node_originated(j->skb, &j->packet) ? FROM_NODE : j->pod_side ? ORIGIN_UNKNOWN : 0;
	int exemption = exempt_flow(&j->packet, &j->key, j->now, origin);

	j->exempt_flow = exemption == EXEMPT_FLOW;
	return exemption != NOT_EXEMPT;
}

/* The verdict of the rules; false where making the entry lost a race. */
static __always_inline bool judge_by_rules(struct judgement *j, bool reopens, struct verdict *verdict)
{
	__u32 how = j->rules_slot | (j->flags & POLICY_ADOPT ? ADOPTS : 0);
	int begun = ask_rules(&j->packet, &j->key, how, j->now), made = MAKES_ENTRY;
	__u16 rule = begun & 0xffff;

	if (begun >> 16 == NO_RULE_PERMITS) {
		*verdict = verdict_of(REASON_NO_RULE, TRACKING_NONE);
		return true;
	}
	if (begun >> 16 == PASSES_WITHOUT_ENTRY) {
		*verdict = verdict_by_rule(REASON_RULE, TRACKING_NONE, j->rules_slot, rule);
		return true;
	}
	if (reopens)
		made = reopen_entry(&j->packet, &j->key, j->now);
	else
		made = make_entry(&j->packet, &j->key, j->now);
	if (made >= 0)
		made = settle(&j->key, made) ? MAKES_ENTRY : LOST_RACE;
	switch ((enum beginning)made) {
	case MAKES_ENTRY:
		*verdict = verdict_by_rule(REASON_RULE, TRACKING_TRACKED, j->rules_slot, rule);
		return true;
	case OVER_ALLOWANCE:
		__sync_fetch_and_add(&j->endpoint->conntrack_allowance_exceeded, 1);
		*verdict = verdict_by_rule(REASON_CONNTRACK_ALLOWANCE, TRACKING_NONE, j->rules_slot, rule);
		return true;
	case TABLE_IS_FULL:
		__sync_fetch_and_add(&j->endpoint->conntrack_table_full, 1);
		*verdict = verdict_by_rule(REASON_TABLE_FULL, TRACKING_NONE, j->rules_slot, rule);
		return true;
	case LOST_RACE:
		break;
	}
	return false;
}

/* Returns false when it lost a race and is to be asked again. */
static __always_inline bool judge_tracked(struct judgement *j, const struct policy *policy, struct verdict *verdict)
{
	struct packet *packet = &j->packet;
	__u64 *entry = NULL, word;

	if (policy && is_trackable(packet))
		entry = find_connection(j->config, &j->key, &word);
	if (entry) {
		bool live = is_live(j->endpoint, word, j->now);

		/* A new SYN on a closing entry is judged anew (S-39). */
		if (live && !(word_state(word) == STATE_CLOSING && is_tcp_syn(packet))) {
			if (j->acl_pending && acl_denies(j, verdict))
				return true;
			touch(entry, packet, word, j->now);
			*verdict = verdict_of(REASON_CONNECTION, TRACKING_TRACKED);
			return true;
		}
		/* One whose time is up leaves the count at its next lookup, whatever becomes of the packet (S-71). */
		if (!live && remove_connection(&j->key, word))
			entry = NULL;
	}
	if (!(j->flags & POLICY_ACL))
		j->node = is_node(j->config, packet);
	if (j->node) {
		if (is_exempt(j)) {
			*verdict = verdict_of(REASON_EXEMPT, TRACKING_NONE);
			return true;
		}
		if (j->acl_pending && acl_denies(j, verdict))
			return true;
	}
	if (policy)
		return judge_by_rules(j, entry, verdict);
	*verdict = verdict_of(REASON_UNFILTERED, TRACKING_NONE);
	return true;
}

#endif
