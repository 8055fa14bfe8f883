/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a packet that no entry lets pass: the rules, and the entry that it may make. */
#ifndef SALLYPORT_BEGIN_H
#define SALLYPORT_BEGIN_H

#include "connection.h"
#include "maps.h"
#include "packet.h"
#include "policy.h"
#include "table.h"

/* What the rules say; ask_rules returns it in bits 16 and up, and the rule in bits 0-15. */
enum answer {
	NO_RULE_PERMITS,
	PASSES_WITHOUT_ENTRY,
	NEEDS_ENTRY,
};

static __always_inline int answers(enum answer answer, __u32 rule)
{
	return answer << 16 | rule;
}

/* What became of the entry that a packet needs; below the places of the table. */
enum beginning {
	MAKES_ENTRY = -4,
	OVER_ALLOWANCE,
	TABLE_IS_FULL,
	/* Another CPU made or deleted an entry of this key: look again. */
	LOST_RACE,
};

/*
 * Makes an entry. Returns enum beginning, or a place that settle() is to be asked about. Add first, undo when over: the
 * count is never less than the entries, on any CPU, at any time (S-71).
 *
 * Functions of their own, called one after the other and not by each other: they share 512 bytes of stack.
 */
__noinline int make_entry(struct packet *packet, struct connection_key *key, __u32 now)
{
	struct endpoint *endpoint;
	struct config *config;
	__u32 zero = 0;
	__u64 hash;
	int place;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!packet || !key || !config)
		return TABLE_IS_FULL;
	endpoint = endpoint_of_id(key->endpoint);
	if (!endpoint)
		return TABLE_IS_FULL;
	if (__sync_fetch_and_add(&endpoint->used, 1) >= endpoint->conntrack_max) {
		__sync_fetch_and_sub(&endpoint->used, 1);
		return OVER_ALLOWANCE;
	}
	hash = hash_of(config, key);
	place = insert_entry(key, hash, first_word(packet, generation_of(hash), now));
	if (place != NO_PLACE)
		return place == SETTLED ? MAKES_ENTRY : place;
	__sync_fetch_and_sub(&endpoint->used, 1);
	return TABLE_IS_FULL;
}

/* Begins a closing entry anew in its own slot, by a new SYN (S-39). Returns enum beginning. */
__noinline int reopen_entry(struct packet *packet, struct connection_key *key, __u32 now)
{
	struct config *config;
	__u64 *entry, word;
	__u32 zero = 0;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!packet || !key || !config)
		return TABLE_IS_FULL;
	entry = find_by_search(config, key, &word);
	return entry && swap_word(entry, word, first_word(packet, word_generation(word), now)) ? MAKES_ENTRY
											       : LOST_RACE;
}

/* Bit of `how` below, above the rules slot in bits 0-15. */
#define ADOPTS (1 << 16)

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

/* Asks the rules of a slot about a packet that no entry lets pass. */
__noinline int ask_rules(struct packet *packet, struct connection_key *key, __u32 how, __u32 now)
{
	struct endpoint *endpoint;
	__u32 rule;

	if (!packet || !key)
		return answers(NO_RULE_PERMITS, NO_RULE);
	endpoint = endpoint_of_id(key->endpoint);
	if (!endpoint)
		return answers(NO_RULE_PERMITS, NO_RULE);
	rule = permit(packet, how & 0xffff);
	if (rule == NO_RULE)
		return answers(NO_RULE_PERMITS, NO_RULE);
	return answers(needs_entry(packet, endpoint, how, now) ? NEEDS_ENTRY : PASSES_WITHOUT_ENTRY, rule);
}

#endif
