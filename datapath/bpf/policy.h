/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules: whether a flow is untracked (S-50, S-56), and which rule matches a packet. */
#ifndef SALLYPORT_POLICY_H
#define SALLYPORT_POLICY_H

#include "maps.h"
#include "packet.h"

static __always_inline struct policy *find_policy(__u32 slot)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&policies, &slot);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

static __always_inline bool port_bit(const struct port_bits *bits, const struct packet *packet, __u16 port)
{
	const __u8 *bytes = packet->protocol == IPPROTO_TCP ? bits->tcp : bits->udp;

	return bytes[port >> 3] >> (port & 7) & 1;
}

static __always_inline void prefix_key_of(struct prefix_key *key, __u8 family, const __be32 address[4])
{
	key->prefixlen = family == FAMILY_IPV6 ? 32 + 128 : 32 + 32;
	key->family = bpf_htonl(family);
	__builtin_memcpy(key->address, address, sizeof(key->address));
}

/* Room for one key at a time: functions under each other share 512 bytes of stack. */
union lookup_key {
	struct prefix_key prefix;
	struct address_key address;
	struct service_key service;
	struct identity_key identity;
};

static __always_inline struct prefix_rows *find_prefix(union lookup_key *key, __u32 slot, __u8 family,
						       const __be32 address[4])
{
	void *trie = bpf_map_lookup_elem(&prefixes, &slot);

	if (!trie)
		return NULL;
	prefix_key_of(&key->prefix, family, address);
	return bpf_map_lookup_elem(trie, key);
}

/* Whether flows with this remote are tracked whatever the rules say (S-60). */
static __always_inline bool is_tracked_remote(const struct config *config, const struct packet *packet)
{
	struct prefix_rows *rows;
	union lookup_key key;

	if (!config->tracking_slot)
		return false;
	rows = find_prefix(&key, config->tracking_slot, packet->family, packet->remote);
	return rows && rows->row[0];
}

/*
 * S-56. `syn` is a plain SYN, which alone tells the orientation; every other packet belongs to an
 * untracked flow if either orientation does.
 */
static __always_inline bool is_untracked(const struct config *config, const struct policy *policy,
					 const struct packet *packet, bool syn)
{
	const struct port_bits *in, *out;
	bool untracked;

	if (!has_ports(packet))
		return false;
	in = &policy->untracked_in[packet->family == FAMILY_IPV6];
	out = &policy->untracked_out[packet->family == FAMILY_IPV6];
	if (!syn)
		untracked = port_bit(in, packet, packet->local_port) || port_bit(out, packet, packet->remote_port);
	else if (packet->direction == DIRECTION_INGRESS)
		untracked = port_bit(in, packet, packet->local_port);
	else
		untracked = port_bit(out, packet, packet->remote_port);
	return untracked && !port_bit(&policy->tracked_local, packet, packet->local_port) &&
	       !is_tracked_remote(config, packet);
}

/*
 * Without branches, which the CPU would mispredict half of; and without a mask of 0 or -1, which the verifier would
 * follow both ways, 2048 outcomes in all.
 */
static __always_inline __u16 interval_row(const struct intervals *intervals, __u32 port)
{
	__u32 at = 0, take;
	int bit;

	for (bit = INTERVAL_BITS - 1; bit >= 0; bit--) {
		/* 1 where the interval begins at or before the port. */
		take = (intervals->start[at + (1u << bit)] - (port + 1)) >> 31;
		asm volatile("" : "+r"(take));
		at += take << bit;
	}
	return intervals->row[at & (PORT_INTERVALS - 1)];
}

/* Row of the rules whose protocol and ports or type match; `port` is the one that rules of the direction speak of. */
static __always_inline __u16 service_row(const struct table *table, const struct packet *packet, __u16 port)
{
	if (packet->protocol == IPPROTO_TCP)
		return interval_row(&table->tcp, port);
	if (packet->protocol == IPPROTO_UDP)
		return interval_row(&table->udp, port);
	if (is_icmp(packet))
		return interval_row(&table->icmp, packet->icmp_type_code);
	return table->protocol_row[packet->protocol];
}

static __always_inline __u32 lowest_bit(__u64 word)
{
	__u32 bit = 0;

	if (!(word & 0xffffffff)) {
		bit += 32;
		word >>= 32;
	}
	if (!(word & 0xffff)) {
		bit += 16;
		word >>= 16;
	}
	if (!(word & 0xff)) {
		bit += 8;
		word >>= 8;
	}
	if (!(word & 0xf)) {
		bit += 4;
		word >>= 4;
	}
	if (!(word & 0x3)) {
		bit += 2;
		word >>= 2;
	}
	return bit + !(word & 0x1);
}

static __always_inline struct row *find_row(const struct policy *policy, __u16 row)
{
	__u32 index = policy->first_row + row;

	return bpf_map_lookup_elem(&rows, &index);
}

/* The Service that a packet is sent to (S-9a). */
static __always_inline struct service *find_service(union lookup_key *key, const struct packet *packet)
{
	if (packet->direction != DIRECTION_EGRESS || !has_ports(packet))
		return NULL;
	key->service.port = packet->remote_port;
	key->service.protocol = packet->protocol;
	key->service.family = packet->family;
	__builtin_memcpy(key->service.address, packet->remote, sizeof(key->service.address));
	return bpf_map_lookup_elem(&services, key);
}

/* Rows of the rules that mean a remote by a group or a namespace: by who it is, and by what is asked of it. */
struct member_rows {
	__u16 identity;
	__u16 service;
};

static __always_inline void find_members(struct member_rows *found, union lookup_key *key, const struct table *table,
					 const struct packet *packet, __u32 slot)
{
	struct service *service = find_service(key, packet);
	struct identity_rows *by_identity;
	__u32 *number, identity;

	if (service) {
		identity = service->identity;
		found->service = service_row(table, packet, service->target_port);
	} else {
		key->address.family = packet->family;
		__builtin_memcpy(key->address.address, packet->remote, sizeof(key->address.address));
		number = bpf_map_lookup_elem(&identities, key);
		if (!number)
			return;
		identity = *number;
	}
	key->identity.slot = slot;
	key->identity.identity = identity;
	by_identity = bpf_map_lookup_elem(&identity_rows, key);
	if (by_identity)
		found->identity = by_identity->row[packet->direction & 1][packet->family & 1];
}

/* The lowest rule of `slot` that matches in packet->direction, or NO_RULE. */
__noinline int match_rule(struct packet *packet, __u32 slot)
{
	struct row *service, *prefix, *identity, *asked;
	struct member_rows members = {};
	union lookup_key key;
	struct policy *policy;
	struct table *table;
	__u16 prefix_row;
	__u32 i;

	if (!packet)
		return NO_RULE;
	policy = find_policy(slot);
	if (!policy)
		return NO_RULE;
	table = &policy->tables[packet->direction & 1][packet->family & 1];
	members.service = service_row(
		table, packet, packet->direction == DIRECTION_INGRESS ? packet->local_port : packet->remote_port);
	if (!members.service && !table->has_identities)
		return NO_RULE;
	service = find_row(policy, members.service);
	prefix_row = table->any_row;
	if (table->has_prefixes) {
		struct prefix_rows *found = find_prefix(&key, slot, packet->family & 1, packet->remote);

		if (found)
			prefix_row = found->row[packet->direction & 1];
	}
	if (table->has_identities)
		find_members(&members, &key, table, packet, slot);

	prefix = find_row(policy, prefix_row);
	identity = find_row(policy, members.identity);
	asked = find_row(policy, members.service);
	if (!service || !prefix || !identity || !asked)
		return NO_RULE;
	for (i = 0; i < ROW_WORDS && i < table->words; i++) {
		__u64 matches = (service->words[i] & prefix->words[i]) | (asked->words[i] & identity->words[i]);

		if (matches)
			return i * 64 + lowest_bit(matches);
	}
	return NO_RULE;
}

/* Also counts the hit. */
static __always_inline __u32 permit(struct packet *packet, __u32 slot)
{
	__u32 rule = match_rule(packet, slot);
	struct policy *policy;
	__u64 *hits;
	__u32 index;

	if (rule >= RULES_PER_TABLE)
		return NO_RULE;
	policy = find_policy(slot);
	if (!policy)
		return NO_RULE;
	index = policy->tables[packet->direction & 1][packet->family & 1].first_hit + rule;
	hits = bpf_map_lookup_elem(&rule_hits, &index);
	if (hits)
		*hits += 1;
	return rule;
}

/* Whether a rule permits the opposite direction between the same two ports and addresses (S-40). */
static __always_inline bool permits_opposite(struct packet *packet, __u32 slot)
{
	__u32 rule;

	packet->direction ^= 1;
	rule = match_rule(packet, slot);
	packet->direction ^= 1;
	return rule < RULES_PER_TABLE;
}

/* S-80: the first match decides; nothing matched is denied. `rule` tells which. */
__noinline int acl_allows(struct packet *packet, __u32 slot, __u32 *rule)
{
	struct policy *policy;
	struct table *table;
	__u32 found;

	if (!packet || !rule)
		return 0;
	found = permit(packet, slot);
	*rule = found;
	policy = find_policy(slot);
	if (!policy || found >= RULES_PER_TABLE)
		return 0;
	table = &policy->tables[packet->direction & 1][packet->family & 1];
	return table->allow.words[found / 64 & (ROW_WORDS - 1)] >> (found & 63) & 1;
}

#endif
