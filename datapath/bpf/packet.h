/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parsing: the only code that touches packet bytes. Everything behind it works on `struct packet`. */
#ifndef SALLYPORT_PACKET_H
#define SALLYPORT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#ifndef IPV6_EXTENSIONS_MAX
#define IPV6_EXTENSIONS_MAX 6
#endif

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
	/* What S-40 calls flags: without ECE and CWR. */
	TCP_FLAGS = 0x3f,
};

enum packet_shape {
	PACKET_IP,
	/* Addresses and protocol are known, ports are not (S-41). */
	PACKET_LATER_FRAGMENT,
	PACKET_ARP,
	PACKET_NOT_IP,
	PACKET_BROKEN,
};

enum icmp_message {
	ICMP_OTHER,
	ICMP_ECHO_REQUEST,
	ICMP_ECHO_REPLY,
	/* Quotes a packet (S-34). */
	ICMP_ERROR,
};

struct packet {
	__be32 remote[4];
	__be32 local[4];
	/* Of an echo: the identifier on the requester's side, 0 on the other. Of other ICMP: 0 and type << 8 | code. */
	__u16 local_port;
	__u16 remote_port;
	__u16 icmp_type_code;
	__u8 protocol;
	__u8 family;
	__u8 tcp_flags;
	__u8 hop_limit;
	/* enum icmp_message */
	__u8 icmp;
	/* Any fragment, the first included. */
	__u8 fragment;
	__u32 direction;
	/* Of the transport header, from the Ethernet header on. */
	__u32 transport;
};

static __always_inline bool is_icmp(const struct packet *packet)
{
	return packet->protocol == (packet->family == FAMILY_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static __always_inline bool has_ports(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP;
}

static __always_inline bool is_plain_syn(const struct packet *packet)
{
	return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool same_address(const __be32 a[4], const __be32 b[4])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline void set_addresses(struct packet *packet, const void *source, const void *destination)
{
	__be32 *from = packet->direction == DIRECTION_EGRESS ? packet->local : packet->remote;
	__be32 *to = packet->direction == DIRECTION_EGRESS ? packet->remote : packet->local;

	if (packet->family == FAMILY_IPV6) {
		__builtin_memcpy(from, source, 16);
		__builtin_memcpy(to, destination, 16);
		return;
	}
	from[0] = *(const __be32 *)source;
	to[0] = *(const __be32 *)destination;
	from[1] = from[2] = from[3] = 0;
	to[1] = to[2] = to[3] = 0;
}

static __always_inline void set_ports(struct packet *packet, __u16 source, __u16 destination)
{
	bool egress = packet->direction == DIRECTION_EGRESS;

	packet->local_port = egress ? source : destination;
	packet->remote_port = egress ? destination : source;
}

static __always_inline void set_icmp(struct packet *packet, __u8 type, __u8 code, __u16 id)
{
	bool v6 = packet->family == FAMILY_IPV6;
	bool from_requester;

	packet->icmp_type_code = (__u16)type << 8 | code;
	packet->local_port = packet->remote_port = 0;
	if (type == (v6 ? 128 : 8) && code == 0)
		packet->icmp = ICMP_ECHO_REQUEST;
	else if (type == (v6 ? 129 : 0) && code == 0)
		packet->icmp = ICMP_ECHO_REPLY;
	else if (v6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12)
		packet->icmp = ICMP_ERROR;
	else
		packet->icmp = ICMP_OTHER;
	if (packet->icmp != ICMP_ECHO_REQUEST && packet->icmp != ICMP_ECHO_REPLY)
		return;
	from_requester = packet->icmp == ICMP_ECHO_REQUEST;
	if ((packet->direction == DIRECTION_EGRESS) == from_requester)
		packet->local_port = id;
	else
		packet->remote_port = id;
}

static __always_inline int parse_transport(struct packet *packet, void *data, void *data_end)
{
	void *header = data + (packet->transport & 0x3ff);

	packet->tcp_flags = 0;
	packet->icmp = ICMP_OTHER;
	packet->icmp_type_code = 0;
	if (packet->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = header;

		if ((void *)(tcp + 1) > data_end || tcp->doff < 5)
			return PACKET_BROKEN;
		set_ports(packet, bpf_ntohs(tcp->source), bpf_ntohs(tcp->dest));
		packet->tcp_flags = ((__u8 *)tcp)[13];
	} else if (packet->protocol == IPPROTO_UDP) {
		struct udphdr *udp = header;

		if ((void *)(udp + 1) > data_end)
			return PACKET_BROKEN;
		set_ports(packet, bpf_ntohs(udp->source), bpf_ntohs(udp->dest));
	} else if (is_icmp(packet)) {
		__u8 *icmp = header;

		if ((void *)(icmp + 8) > data_end)
			return PACKET_BROKEN;
		set_icmp(packet, icmp[0], icmp[1], (__u16)icmp[4] << 8 | icmp[5]);
	} else {
		packet->local_port = packet->remote_port = 0;
	}
	return PACKET_IP;
}

static __always_inline int parse_ipv4(struct packet *packet, __u32 length, void *data, void *data_end)
{
	struct iphdr *ip = data + ETH_HLEN;
	__u32 header, total, offset;

	if ((void *)(ip + 1) > data_end)
		return PACKET_BROKEN;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header < sizeof(*ip) || total < header || total > length - ETH_HLEN)
		return PACKET_BROKEN;
	packet->family = FAMILY_IPV4;
	packet->protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	packet->transport = ETH_HLEN + header;
	set_addresses(packet, &ip->saddr, &ip->daddr);
	offset = bpf_ntohs(ip->frag_off);
	packet->fragment = (offset & 0x3fff) != 0;
	if (offset & 0x1fff)
		return PACKET_LATER_FRAGMENT;
	return parse_transport(packet, data, data_end);
}

static __always_inline int parse_ipv6(struct packet *packet, __u32 length, void *data, void *data_end)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	__u32 offset = ETH_HLEN + sizeof(*ip);
	__u8 next;
	int i;

	if ((void *)(ip + 1) > data_end)
		return PACKET_BROKEN;
	if (ip->version != 6 || bpf_ntohs(ip->payload_len) > length - offset)
		return PACKET_BROKEN;
	packet->family = FAMILY_IPV6;
	packet->hop_limit = ip->hop_limit;
	packet->fragment = 0;
	set_addresses(packet, &ip->saddr, &ip->daddr);
	next = ip->nexthdr;
	for (i = 0; i <= IPV6_EXTENSIONS_MAX; i++) {
		__u8 *extension = data + (offset & 0x3ff);

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH) {
			packet->protocol = next;
			packet->transport = offset;
			return parse_transport(packet, data, data_end);
		}
		if (i == IPV6_EXTENSIONS_MAX || offset > 0x3ff - 8 || (void *)(extension + 8) > data_end)
			return PACKET_BROKEN;
		packet->protocol = extension[0];
		if (next == IPPROTO_FRAGMENT) {
			packet->fragment = 1;
			if ((extension[2] << 8 | extension[3]) & 0xfff8)
				return PACKET_LATER_FRAGMENT;
			offset += 8;
		} else if (next == IPPROTO_AH) {
			offset += (extension[1] + 2) * 4;
		} else {
			offset += (extension[1] + 1) * 8;
		}
		next = extension[0];
		if (offset > 0x3ff)
			return PACKET_BROKEN;
	}
	return PACKET_BROKEN;
}

static __always_inline int parse_linear(struct __sk_buff *skb, struct packet *packet)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *ethernet = data;

	if ((void *)(ethernet + 1) > data_end)
		return PACKET_BROKEN;
	/* A tag is not an address that anybody here may judge by; tagged frames are for a later version. */
	if (skb->vlan_present)
		return PACKET_NOT_IP;
	switch (bpf_ntohs(ethernet->h_proto)) {
	case ETH_P_IP:
		return parse_ipv4(packet, skb->len, data, data_end);
	case ETH_P_IPV6:
		return parse_ipv6(packet, skb->len, data, data_end);
	case ETH_P_ARP:
		return PACKET_ARP;
	default:
		return PACKET_NOT_IP;
	}
}

/* Fills `packet`, whose direction is set; returns enum packet_shape. Headers may lie outside the linear part. */
static __always_inline int parse(struct __sk_buff *skb, struct packet *packet)
{
	int shape = parse_linear(skb, packet);

	if (shape != PACKET_BROKEN || skb->data_end - skb->data >= skb->len)
		return shape;
	if (bpf_skb_pull_data(skb, skb->len < 512 ? skb->len : 512))
		return PACKET_BROKEN;
	return parse_linear(skb, packet);
}

#endif
