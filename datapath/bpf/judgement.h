/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is known of a packet while it is judged, and the steps that several stages share. */
#ifndef SALLYPORT_JUDGEMENT_H
#define SALLYPORT_JUDGEMENT_H

#include "connection.h"
#include "endpoint.h"
#include "packet.h"
#include "policy.h"
#include "verdict.h"

struct judgement {
	struct __sk_buff *skb;
	struct endpoint *endpoint;
	const struct config *config;
	struct packet packet;
	struct connection_key key;
	/* endpoint.policy, read once. */
	__u64 policy;
	__u32 now;
	__u32 flags;
	__u16 rules_slot;
	__u16 acl_slot;
	/* Used one after the other; BPF has 512 bytes of stack. */
	union {
		struct packet quoted;
		struct fragment fragment;
	};
	/* The remote is the node, and the ACL has not been asked yet. */
	bool node;
	bool acl_pending;
	/* An entry in `exemptions` let the packet pass. */
	bool exempt_flow;
	/* At the pod's side, where nothing shows what comes from the node itself. */
	bool pod_side;
};

static __always_inline bool has_malformed_flags(const struct packet *packet)
{
	__u8 flags = packet->tcp_flags & TCP_FLAGS;

	return packet->protocol == IPPROTO_TCP && (!flags || (flags & TCP_SYN && flags & (TCP_FIN | TCP_RST)));
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

#endif
