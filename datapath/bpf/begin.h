/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a packet that no entry lets pass: the rules, and the entry that it may make. */
#ifndef SALLYPORT_BEGIN_H
#define SALLYPORT_BEGIN_H

#include "connection.h"
#include "maps.h"
#include "packet.h"
#include "policy.h"

/* What begin_flow returns in bits 16 and up; the rule is in bits 0-15. */
enum beginning {
	NO_RULE_PERMITS,
	PASSES_WITHOUT_ENTRY,
	MAKES_ENTRY,
	OVER_ALLOWANCE,
	TABLE_IS_FULL,
	/* Another CPU made or is deleting an entry of this key: look again. */
	LOST_RACE,
};

static __always_inline int begins(enum beginning beginning, __u32 rule)
{
	return beginning << 16 | rule;
}

/* Add first, undo when over: the count is never less than the entries, on any CPU, at any time (S-71). */
static __always_inline enum beginning add_entry(struct endpoint *endpoint, const struct connection_key *key, __u64 word)
{
	struct connection fresh = {.word = word};
	long error;

	if (__sync_fetch_and_add(&endpoint->used, 1) >= endpoint->conntrack_max) {
		__sync_fetch_and_sub(&endpoint->used, 1);
		return OVER_ALLOWANCE;
	}
	error = bpf_map_update_elem(&connections, key, &fresh, BPF_NOEXIST);
	if (!error)
		return MAKES_ENTRY;
	__sync_fetch_and_sub(&endpoint->used, 1);
	/* -EEXIST */
	return error == -17 ? LOST_RACE : TABLE_IS_FULL;
}

/*
 * Makes the entry that a packet needs; a new SYN reopens a closing one in its own slot (S-39). Returns enum beginning.
 *
 * A function of its own for its room on the stack: 512 bytes are for three calls in a row, and beside the key they would
 * not do for looking rules up.
 */
__noinline int make_entry(struct packet *packet, struct connection_key *asked, __u32 now, __u32 reopens)
{
	struct connection *closing = NULL;
	struct connection_key key;
	struct endpoint *endpoint;
	__u64 word, old;

	if (!packet || !asked)
		return TABLE_IS_FULL;
	/* The verifier of 6.1 takes a map's key from the function's own stack only. */
	key = *asked;
	endpoint = endpoint_of_id(key.endpoint);
	if (!endpoint)
		return TABLE_IS_FULL;
	word = first_word(packet, &key, now);
	if (reopens)
		closing = bpf_map_lookup_elem(&connections, &key);
	if (!closing)
		return add_entry(endpoint, &key, word);
	old = read_word(closing);
	if (word_state(old) == STATE_CLAIMED)
		return LOST_RACE;
	return swap_word(closing, old, word) ? MAKES_ENTRY : LOST_RACE;
}

/* Bits of `how` below, above the rules slot in bits 0-15. */
#define ADOPTS	(1 << 16)
#define REOPENS (1 << 17)

/* Whether a packet that is no plain SYN may begin a tracked TCP connection (S-40, S-40a). */
static __always_inline bool may_begin_midstream(struct packet *packet, const struct endpoint *endpoint, __u32 how,
						__u32 now)
{
	if (how & ADOPTS && (__s32)(endpoint->adopt_until - now) > 0)
		return true;
	return permits_opposite(packet, how & 0xffff);
}

static __always_inline bool needs_entry(struct packet *packet, const struct endpoint *endpoint, __u32 how, __u32 now)
{
	if (is_icmp(packet))
		return packet->icmp == ICMP_ECHO_REQUEST;
	if (packet->protocol != IPPROTO_TCP || is_plain_syn(packet))
		return true;
	return !(packet->tcp_flags & TCP_RST) && may_begin_midstream(packet, endpoint, how, now);
}

/*
 * Judges by the rules of a slot, and makes the entry that a packet needs. REOPENS in `how` says that the packet is a SYN
 * and the table has a closing entry of its flow.
 */
__noinline int begin_flow(struct packet *packet, struct connection_key *key, __u32 how, __u32 now)
{
	struct endpoint *endpoint;
	__u32 rule;

	if (!packet || !key)
		return begins(NO_RULE_PERMITS, NO_RULE);
	endpoint = endpoint_of_id(key->endpoint);
	if (!endpoint)
		return begins(NO_RULE_PERMITS, NO_RULE);
	rule = permit(packet, how & 0xffff);
	if (rule == NO_RULE)
		return begins(NO_RULE_PERMITS, NO_RULE);
	if (!needs_entry(packet, endpoint, how, now))
		return begins(PASSES_WITHOUT_ENTRY, rule);
	return begins(make_entry(packet, key, now, how & REOPENS), rule);
}

#endif
