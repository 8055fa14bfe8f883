/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Later fragments follow the first one of their datagram (S-41). Each endpoint has records of its
 * own, so that none can fill them for another; when all are in use the oldest goes.
 */
#ifndef SALLYPORT_FRAGMENT_H
#define SALLYPORT_FRAGMENT_H

#include "bucket.h"
#include "connection.h"
#include "endpoint.h"
#include "maps.h"
#include "packet.h"
#include "verdict.h"

/* S-41: 30 s, in clock ticks; the loader sets it. */
const volatile __u32 fragment_lifetime = 120;

/* Whether a record is of the datagram that `wanted` is a fragment of. Ports are the first fragment's alone. */
static __always_inline bool same_datagram(const struct fragment *record, const struct fragment *wanted)
{
	return record->id == wanted->id && record->protocol == wanted->protocol &&
	       record->direction == wanted->direction && record->key.endpoint == wanted->key.endpoint &&
	       record->key.serial == wanted->key.serial &&
	       (record->key.kind & KIND_IPV6) == (wanted->key.kind & KIND_IPV6) &&
	       same_address(record->key.remote, wanted->key.remote);
}

static __always_inline void fragment_of(struct fragment *fragment, const struct packet *packet,
					const struct connection_key *key, __u64 policy, __u32 now)
{
	__builtin_memset(fragment, 0, sizeof(*fragment));
	fragment->key = *key;
	fragment->policy = policy;
	fragment->id = packet->fragment_id;
	fragment->seen = now;
	fragment->protocol = packet->fragment_protocol;
	fragment->direction = packet->direction;
	fragment->icmp_type_code = packet->icmp_type_code;
	fragment->tcp_flags = packet->tcp_flags;
}

/*
 * Keeps what became of a first fragment. One that is sent again takes the place that it has; one that was dropped only
 * takes it away.
 */
__noinline int remember_fragment(__u32 index, struct fragment *fragment)
{
	struct fragment_table *table = bpf_map_lookup_elem(&fragments, &index);
	struct fragment *record;
	bool known = false;
	__u32 i, place;

	if (!table || !fragment)
		return 0;
	bpf_spin_lock(&table->lock);
	place = table->next % FRAGMENTS_PER_ENDPOINT;
	for (i = 0; i < FRAGMENTS_PER_ENDPOINT; i++) {
		if (same_datagram(&table->records[i], fragment)) {
			place = i;
			known = true;
			break;
		}
	}
	record = &table->records[place & (FRAGMENTS_PER_ENDPOINT - 1)];
	if (fragment->reason <= REASON_UNFILTERED) {
		*record = *fragment;
		if (!known)
			table->next++;
	} else if (known) {
		record->key.endpoint = 0;
	}
	bpf_spin_unlock(&table->lock);
	return 0;
}

/* Completes `wanted` by its datagram's record; 0 where there is none any more. */
__noinline int recall_fragment(__u32 index, struct fragment *wanted)
{
	struct fragment_table *table = bpf_map_lookup_elem(&fragments, &index);
	int found = 0;
	__u32 i;

	if (!table || !wanted)
		return 0;
	bpf_spin_lock(&table->lock);
	for (i = 0; i < FRAGMENTS_PER_ENDPOINT; i++) {
		if (same_datagram(&table->records[i], wanted)) {
			found = (__s32)(wanted->seen - table->records[i].seen) < (__s32)fragment_lifetime;
			*wanted = table->records[i];
			break;
		}
	}
	bpf_spin_unlock(&table->lock);
	return found;
}

/* Refreshes the entry that the first fragment made or passed by; 0: it lives no more. `entry` is enum fragment_entry. */
__noinline int refresh_entry(struct connection_key *asked, __u32 entry, __u32 now)
{
	struct exempt_entry *exemption;
	struct connection_key key;
	struct endpoint *endpoint;
	struct config *config;
	__u32 zero = 0;
	__u64 *at, word;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!asked || !config)
		return 0;
	endpoint = endpoint_of_id(asked->endpoint);
	if (!endpoint)
		return 0;
	if (entry == ENTRY_CONNECTION) {
		at = find_by_search(config, asked, &word);
		return at && refresh(endpoint, at, word, now);
	}
	/* The verifier of 6.1 takes a map's key from the function's own stack only. */
	key = *asked;
	exemption = bpf_map_lookup_elem(&exemptions, &key);
	return exemption && refresh(endpoint, &exemption->word, read_word(&exemption->word), now);
}

#endif
