/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes (S-34). */
#ifndef SALLYPORT_RELATED_H
#define SALLYPORT_RELATED_H

#include "packet.h"

#define ICMP_HEADER 8
/* RFC 792 promises eight bytes of the quoted transport header, which hold all that is used here. */
#define QUOTED_TRANSPORT 8

static __always_inline bool quote_transport(struct __sk_buff *skb, struct packet *quoted, __u32 offset)
{
	__u8 bytes[QUOTED_TRANSPORT];

	if (!has_ports(quoted) && !is_icmp(quoted))
		return true;
	if (bpf_skb_load_bytes(skb, offset, bytes, sizeof(bytes)))
		return false;
	if (has_ports(quoted)) {
		set_ports(quoted, bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]);
		return true;
	}
	set_icmp(quoted, bytes[0], bytes[1], bytes[4] << 8 | bytes[5]);
	return quoted->icmp == ICMP_ECHO_REQUEST || quoted->icmp == ICMP_ECHO_REPLY;
}

/*
 * Reads the quoted packet as one of the opposite direction. Returns 1 when it names a flow and fits the error: its
 * source is the error's destination.
 */
__noinline int parse_quote(struct __sk_buff *skb, struct packet *error, struct packet *quoted)
{
	__u32 offset;

	if (!error || !quoted)
		return 0;
	__builtin_memset(quoted, 0, sizeof(*quoted));
	quoted->direction = error->direction ^ 1;
	quoted->family = error->family;
	offset = error->transport + ICMP_HEADER;
	if (error->family == FAMILY_IPV6) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.version != 6)
			return 0;
		quoted->protocol = ip.nexthdr;
		set_addresses(quoted, &ip.saddr, &ip.daddr);
		offset += sizeof(ip);
	} else {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
			return 0;
		/* A later fragment has no ports. */
		if (bpf_ntohs(ip.frag_off) & 0x1fff)
			return 0;
		quoted->protocol = ip.protocol;
		set_addresses(quoted, &ip.saddr, &ip.daddr);
		offset += ip.ihl * 4;
	}
	if (!quote_transport(skb, quoted, offset))
		return 0;
	return error->direction == DIRECTION_INGRESS ? same_address(quoted->local, error->local)
						     : same_address(quoted->remote, error->remote);
}

#endif
