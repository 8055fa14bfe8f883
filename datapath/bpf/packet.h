/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet as the rest of the program sees it: parsed, and written from the pod's view. */
#ifndef SALLYPORT_PACKET_H
#define SALLYPORT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

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

enum fragment_part {
	NO_FRAGMENT,
	/* Offset 0 and more to come. */
	FIRST_FRAGMENT,
	LATER_FRAGMENT,
	/* IPv6: a fragment header on a whole datagram (RFC 6946). */
	ATOMIC_FRAGMENT,
};

struct packet {
	__be32 remote[4];
	__be32 local[4];
	/* Of an echo: the identifier on the requester's side, 0 on the other. Of other ICMP: 0 and type << 8 | code. */
	__u16 local_port;
	__u16 remote_port;
	__u16 icmp_type_code;
	/* Offset of the transport header and of what follows it, from the Ethernet header on. */
	__u16 transport;
	__u16 payload;
	/* Offset of the first byte behind the datagram, or what the field can hold; Ethernet may pad the frame further. */
	__u16 end;
	__u8 protocol;
	__u8 family;
	__u8 direction;
	__u8 tcp_flags;
	__u8 hop_limit;
	/* enum icmp_message */
	__u8 icmp;
	/* enum fragment_part */
	__u8 fragment;
	/* Of a fragment: the protocol that every fragment of the datagram names, and the identification. */
	__u8 fragment_protocol;
	__u32 fragment_id;
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

static __always_inline bool is_tcp_syn(const struct packet *packet)
{
	return packet->protocol == IPPROTO_TCP && is_plain_syn(packet);
}

static __always_inline bool same_address(const __be32 a[4], const __be32 b[4])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline void set_addresses(struct packet *packet, const void *source, const void *destination)
{
	__be32 *from = packet->direction == DIRECTION_EGRESS ? packet->local : packet->remote;
	__be32 *to = packet->direction == DIRECTION_EGRESS ? packet->remote : packet->local;
	const bool v6 = packet->family == FAMILY_IPV6;

	/* Keeps clang from choosing each word's place by itself, which takes ten slots of the stack and as many branches. */
	asm volatile("" : "+r"(from), "+r"(to));
	if (v6) {
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

static __always_inline bool is_extension_header(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_AH;
}

/* Length of an extension header by its second byte (RFC 8200, RFC 4302). */
static __always_inline __u32 extension_length(__u8 header, __u8 length)
{
	if (header == IPPROTO_FRAGMENT)
		return 8;
	return header == IPPROTO_AH ? (length + 2) * 4 : (length + 1) * 8;
}

#endif
