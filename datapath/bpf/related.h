/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes, and which flow that is of (S-34). */
#ifndef SALLYPORT_RELATED_H
#define SALLYPORT_RELATED_H

#include <linux/ip.h>
#include <linux/ipv6.h>
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
	struct packet *quoted = &j->quoted;
	__u16 serial;

	if (!parse_quote(j->skb, &j->packet, quoted))
		return QUOTES_NOTHING;
	serial = address_serial(j->endpoint, quoted->family, quoted->local);
	if (!serial)
		return QUOTES_NOTHING;
	if (policy) {
		if (is_untracked(j->config, policy, quoted, false))
			return QUOTES_OWN_FLOW;
		if (quotes_entry(j, &connections, quoted, serial))
			return QUOTES_OWN_FLOW;
	}
	if (j->node && quotes_entry(j, &exemptions, quoted, serial))
		return QUOTES_EXEMPT_FLOW;
	return QUOTES_NOTHING;
}

#endif
