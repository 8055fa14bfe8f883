/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes, and which flow that is of (S-34). */
#ifndef SALLYPORT_RELATED_H
#define SALLYPORT_RELATED_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include "bucket.h"
#include "judgement.h"
#include "parse.h"

#define ICMP_HEADER 8
/* A quote may be cut short anywhere behind what is needed: ports are in the first four bytes, identifiers in eight. */
#define QUOTED_PORTS 4
#define QUOTED_ECHO  8

/* What lies behind the error's datagram is no part of it, whatever Ethernet padded the frame with. */
static __always_inline long load_quoted(struct __sk_buff *skb, __u32 end, __u32 offset, void *to, __u32 length)
{
	return offset + length > end ? -1 : bpf_skb_load_bytes(skb, offset, to, length);
}

static __always_inline bool quote_transport(struct __sk_buff *skb, struct packet *quoted, __u32 end, __u32 offset)
{
	__u8 bytes[QUOTED_ECHO];

	if (has_ports(quoted)) {
		if (load_quoted(skb, end, offset, bytes, QUOTED_PORTS))
			return false;
		set_ports(quoted, bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]);
		return true;
	}
	if (!is_icmp(quoted))
		return true;
	if (load_quoted(skb, end, offset, bytes, QUOTED_ECHO))
		return false;
	set_icmp(quoted, bytes[0], bytes[1], bytes[4] << 8 | bytes[5]);
	return quoted->icmp == ICMP_ECHO_REQUEST || quoted->icmp == ICMP_ECHO_REPLY;
}

/* Offset of the quoted transport header behind a chain of extension headers; 0: none, or of a later fragment. */
static __always_inline __u32 skip_extensions(struct __sk_buff *skb, struct packet *quoted, __u32 end, __u32 offset)
{
	__u8 header[4];
	int i;

	for (i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		if (!is_extension_header(quoted->protocol))
			return offset;
		if (load_quoted(skb, end, offset, header, sizeof(header)))
			return 0;
		if (quoted->protocol == IPPROTO_FRAGMENT && (header[2] << 8 | header[3]) & 0xfff8)
			return 0;
		offset += extension_length(quoted->protocol, header[1]);
		quoted->protocol = header[0];
	}
	return is_extension_header(quoted->protocol) ? 0 : offset;
}

/*
 * Reads the quoted packet as one of the opposite direction. Returns 1 when it names a flow and fits
 * the error: its source is the error's destination.
 */
__noinline int parse_quote(struct __sk_buff *skb, struct packet *error, struct packet *quoted)
{
	__u32 offset, end;

	if (!error || !quoted)
		return 0;
	end = error->end;
	__builtin_memset(quoted, 0, sizeof(*quoted));
	quoted->direction = error->direction ^ 1;
	quoted->family = error->family;
	offset = error->transport + ICMP_HEADER;
	if (error->family == FAMILY_IPV6) {
		struct ipv6hdr ip;

		if (load_quoted(skb, end, offset, &ip, sizeof(ip)) || ip.version != 6)
			return 0;
		quoted->protocol = ip.nexthdr;
		set_addresses(quoted, &ip.saddr, &ip.daddr);
		offset = skip_extensions(skb, quoted, end, offset + sizeof(ip));
		if (!offset)
			return 0;
	} else {
		struct iphdr ip;

		if (load_quoted(skb, end, offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
			return 0;
		/* A later fragment has no ports. */
		if (bpf_ntohs(ip.frag_off) & 0x1fff)
			return 0;
		quoted->protocol = ip.protocol;
		set_addresses(quoted, &ip.saddr, &ip.daddr);
		offset += ip.ihl * 4;
	}
	if (!quote_transport(skb, quoted, end, offset))
		return 0;
	return error->direction == DIRECTION_INGRESS ? same_address(quoted->local, error->local)
						     : same_address(quoted->remote, error->remote);
}

/* Tables that quotes_entry looks in, and says so of. */
#define QUOTES_CONNECTION 1
#define QUOTES_EXEMPTION  2

/*
 * Which of `tables` have a live entry of a quoted flow, which a related error does not refresh. A function of its own
 * for its room on the stack.
 */
__noinline int quotes_entry(struct packet *quoted, __u64 endpoint_and_serial, __u32 tables, __u32 now)
{
	struct endpoint *endpoint = endpoint_of_id(endpoint_and_serial >> 16);
	struct exempt_entry *exemption;
	struct connection_key key = {};
	struct config *config;
	__u32 zero = 0;
	__u64 word;

	config = bpf_map_lookup_elem(&configuration, &zero);
	if (!quoted || !endpoint || !config)
		return 0;
	connection_key_of(&key, endpoint, quoted, endpoint_and_serial);
	if (tables & QUOTES_CONNECTION && find_by_search(config, &key, &word) && is_live(endpoint, word, now))
		return QUOTES_CONNECTION;
	if (!(tables & QUOTES_EXEMPTION))
		return 0;
	exemption = bpf_map_lookup_elem(&exemptions, &key);
	return exemption && is_live(endpoint, read_word(&exemption->word), now) ? QUOTES_EXEMPTION : 0;
}

enum quote {
	QUOTES_NOTHING,
	QUOTES_OWN_FLOW,
	QUOTES_EXEMPT_FLOW,
};

static __always_inline enum quote judge_quote(struct judgement *j, const struct policy *policy)
{
	struct packet *quoted = &j->quoted;
	__u32 tables;
	__u16 serial;

	if (!parse_quote(j->skb, &j->packet, quoted))
		return QUOTES_NOTHING;
	serial = address_serial(j->endpoint, quoted->family, quoted->local);
	if (!serial)
		return QUOTES_NOTHING;
	if (policy && is_untracked(j->config, policy, quoted, false))
		return QUOTES_OWN_FLOW;
	tables = (policy ? QUOTES_CONNECTION : 0) | (j->node ? QUOTES_EXEMPTION : 0);
	switch (quotes_entry(quoted, (__u64)j->endpoint->id << 16 | serial, tables, j->now)) {
	case QUOTES_CONNECTION:
		return QUOTES_OWN_FLOW;
	case QUOTES_EXEMPTION:
		return QUOTES_EXEMPT_FLOW;
	default:
		return QUOTES_NOTHING;
	}
}

#endif
