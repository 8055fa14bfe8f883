/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parsing: with related.h the only code that touches packet bytes. Whatever a receiver might read
 * in another way than this is PACKET_BROKEN: lengths that lie, headers cut short, fragments that
 * would overwrite the transport header.
 */
#ifndef SALLYPORT_PARSE_H
#define SALLYPORT_PARSE_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include "packet.h"

/* A longer chain than any sender has reason for is broken (S-40's "malformed"). */
#ifndef IPV6_EXTENSIONS_MAX
#define IPV6_EXTENSIONS_MAX 6
#endif

/* 802.1Q inside 802.1ad. A tag in the skb's own field is outside the frame, and no reason to judge it otherwise. */
#ifndef VLAN_TAGS_MAX
#define VLAN_TAGS_MAX 2
#endif

/* Transport headers begin within this many bytes; a mask for the verifier, so one less than a power of two. */
#define HEADERS_MAX	     0x3ff

#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_MORE_FRAGMENTS  1
#define DATAGRAM_MAX	     65535

/* Where a datagram lies in the frame. */
struct extent {
	void *data;
	void *data_end;
	/* Offset of the first byte behind it; Ethernet may have padded the frame further. */
	__u32 end;
};

static __always_inline int parse_transport(struct packet *packet, const struct extent *extent, __u32 transport)
{
	void *header = extent->data + (transport & HEADERS_MAX);
	/* Of the datagram; the frame may be longer. */
	__u32 length = extent->end - transport;

	packet->transport = packet->payload = transport;
	packet->end = extent->end < 0xffff ? extent->end : 0xffff;
	packet->tcp_flags = 0;
	packet->icmp = ICMP_OTHER;
	packet->icmp_type_code = 0;
	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = header;

		if ((void *)(tcp + 1) > extent->data_end || length < sizeof(*tcp) || tcp->doff < 5 ||
		    length < tcp->doff * 4)
			return PACKET_BROKEN;
		set_ports(packet, bpf_ntohs(tcp->source), bpf_ntohs(tcp->dest));
		packet->tcp_flags = ((__u8 *)tcp)[13];
		packet->payload += tcp->doff * 4;
	} else if (packet->protocol == IPPROTO_UDP) {
		struct udphdr *udp = header;

		if ((void *)(udp + 1) > extent->data_end || length < sizeof(*udp) || bpf_ntohs(udp->len) < sizeof(*udp))
			return PACKET_BROKEN;
		set_ports(packet, bpf_ntohs(udp->source), bpf_ntohs(udp->dest));
		packet->payload += sizeof(*udp);
	} else if (is_icmp(packet)) {
		__u8 *icmp = header;

		if ((void *)(icmp + 8) > extent->data_end || length < 8)
			return PACKET_BROKEN;
		set_icmp(packet, icmp[0], icmp[1], (__u16)icmp[4] << 8 | icmp[5]);
		packet->payload += 8;
	} else {
		packet->local_port = packet->remote_port = 0;
	}
	return PACKET_IP;
}

/*
 * A later fragment, `offset` bytes into a datagram. One that would overwrite the TCP header, or
 * reach past the longest datagram, is what RFC 3128 and its like warn of.
 */
static __always_inline int parse_later_fragment(struct packet *packet, __u32 transport, __u32 offset, __u32 length)
{
	packet->fragment = LATER_FRAGMENT;
	packet->protocol = packet->fragment_protocol;
	packet->tcp_flags = 0;
	packet->icmp = ICMP_OTHER;
	packet->icmp_type_code = 0;
	packet->local_port = packet->remote_port = 0;
	packet->transport = packet->payload = transport;
	if (offset + length > DATAGRAM_MAX)
		return PACKET_BROKEN;
	if (packet->protocol == IPPROTO_TCP && offset < sizeof(struct tcphdr))
		return PACKET_BROKEN;
	return PACKET_LATER_FRAGMENT;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, struct packet *packet, __u32 network,
				      struct extent *extent)
{
	struct iphdr *ip = extent->data + network;
	__u32 header, total, offset;

	if ((void *)(ip + 1) > extent->data_end)
		return PACKET_BROKEN;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	/* A super-packet of over 64 KiB has no length that it could state (BIG TCP). */
	if (!total) {
		/* Said once more by the length check below, but not in a way that the verifier of 6.1 understands. */
		if (!skb->gso_size)
			return PACKET_BROKEN;
		total = skb->len - network;
	}
	if (ip->version != 4 || header < sizeof(*ip) || total < header || total > skb->len - network)
		return PACKET_BROKEN;
	packet->family = FAMILY_IPV4;
	packet->protocol = packet->fragment_protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	packet->fragment_id = bpf_ntohs(ip->id);
	set_addresses(packet, &ip->saddr, &ip->daddr);
	extent->end = network + total;
	offset = bpf_ntohs(ip->frag_off);
	if (offset & IPV4_FRAGMENT_OFFSET)
		return parse_later_fragment(packet, network + header, (offset & IPV4_FRAGMENT_OFFSET) * 8,
					    total - header);
	packet->fragment = offset & IPV4_MORE_FRAGMENTS ? FIRST_FRAGMENT : NO_FRAGMENT;
	return parse_transport(packet, extent, network + header);
}

/* Reads a fragment header (RFC 8200, 4.5); returns the fragment's offset in bytes. */
static __always_inline __u32 read_fragment_header(struct packet *packet, const __u8 *header)
{
	__u32 offset = header[2] << 8 | header[3];

	packet->fragment = offset & IPV6_MORE_FRAGMENTS ? FIRST_FRAGMENT : ATOMIC_FRAGMENT;
	packet->fragment_protocol = header[0];
	packet->fragment_id = (__u32)header[4] << 24 | header[5] << 16 | header[6] << 8 | header[7];
	return offset & 0xfff8;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, struct packet *packet, __u32 network,
				      struct extent *extent, const int extensions)
{
	struct ipv6hdr *ip = extent->data + network;
	__u32 offset = network + sizeof(*ip), fragment_offset;
	__u8 next;
	int i;

	if ((void *)(ip + 1) > extent->data_end)
		return PACKET_BROKEN;
	extent->end = offset + bpf_ntohs(ip->payload_len);
	/* The length of a jumbogram is in an option (RFC 2675); only super-packets are ones. */
	if (!ip->payload_len && skb->gso_size)
		extent->end = skb->len;
	if (ip->version != 6 || extent->end > skb->len)
		return PACKET_BROKEN;
	packet->family = FAMILY_IPV6;
	packet->hop_limit = ip->hop_limit;
	packet->fragment = NO_FRAGMENT;
	packet->fragment_protocol = 0;
	packet->fragment_id = 0;
	set_addresses(packet, &ip->saddr, &ip->daddr);
	next = ip->nexthdr;
	for (i = 0; i <= extensions; i++) {
		__u8 *extension = extent->data + (offset & HEADERS_MAX);

		if (!is_extension_header(next)) {
			packet->protocol = next;
			if (offset > extent->end)
				return PACKET_BROKEN;
			return parse_transport(packet, extent, offset);
		}
		if (i == extensions || offset > HEADERS_MAX - 8 || (void *)(extension + 8) > extent->data_end ||
		    offset + 8 > extent->end)
			return PACKET_BROKEN;
		if (next == IPPROTO_FRAGMENT) {
			/* A second one could hide what the first one shows. */
			if (packet->fragment != NO_FRAGMENT)
				return PACKET_BROKEN;
			fragment_offset = read_fragment_header(packet, extension);
			if (fragment_offset)
				return parse_later_fragment(packet, offset + 8, fragment_offset,
							    extent->end - offset - 8);
		}
		offset += extension_length(next, extension[1]);
		next = extension[0];
		if (offset > HEADERS_MAX)
			return PACKET_BROKEN;
	}
	return PACKET_BROKEN;
}

static __always_inline int parse_frame(struct __sk_buff *skb, struct packet *packet, const int tags,
				       const int extensions)
{
	struct extent extent = {.data = (void *)(long)skb->data, .data_end = (void *)(long)skb->data_end};
	__u32 network = ETH_HLEN;
	__be16 *type = extent.data + ETH_HLEN - sizeof(*type);
	int i;

	if (extent.data + ETH_HLEN > extent.data_end)
		return PACKET_BROKEN;
	for (i = 0; i <= tags; i++) {
		switch (bpf_ntohs(*type)) {
		case ETH_P_IP:
			return parse_ipv4(skb, packet, network, &extent);
		case ETH_P_IPV6:
			return parse_ipv6(skb, packet, network, &extent, extensions);
		case ETH_P_ARP:
			return PACKET_ARP;
		case ETH_P_8021Q:
		case ETH_P_8021AD:
			type = extent.data + network + 2;
			network += 4;
			if (extent.data + network > extent.data_end)
				return PACKET_BROKEN;
			break;
		default:
			return PACKET_NOT_IP;
		}
	}
	return PACKET_NOT_IP;
}

/*
 * Frames with tags or extension headers, and those whose headers lie outside the linear part. A call, for the sake of
 * all the others: their way is shorter, and the verifier follows all that comes after parsing from fewer states.
 */
__noinline int parse_unusual(struct __sk_buff *skb, struct packet *packet)
{
	const __u32 most = HEADERS_MAX + 1 + sizeof(struct tcphdr);

	if (!packet)
		return PACKET_BROKEN;
	if (skb->data_end - skb->data < skb->len && bpf_skb_pull_data(skb, skb->len < most ? skb->len : most))
		return PACKET_BROKEN;
	return parse_frame(skb, packet, VLAN_TAGS_MAX, IPV6_EXTENSIONS_MAX);
}

/* Fills `packet`, whose direction is set; returns enum packet_shape. */
static __always_inline int parse(struct __sk_buff *skb, struct packet *packet)
{
	int shape = parse_frame(skb, packet, 0, 0);

	if (shape != PACKET_BROKEN && shape != PACKET_NOT_IP)
		return shape;
	return parse_unusual(skb, packet);
}

#endif
