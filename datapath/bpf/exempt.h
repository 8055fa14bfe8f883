/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is never filtered (S-20), all of it and only here. */
#ifndef SALLYPORT_EXEMPT_H
#define SALLYPORT_EXEMPT_H

#include "maps.h"
#include "packet.h"

#define DHCP_CLIENT   68
#define DHCP_SERVER   67
#define DHCPV6_CLIENT 546
#define DHCPV6_SERVER 547
#define DNS_PORT      53

static __always_inline __u32 address_role(__u8 family, const __be32 address[4])
{
	struct address_key key = {.family = family};
	__u32 *role;

	__builtin_memcpy(key.address, address, sizeof(key.address));
	role = bpf_map_lookup_elem(&roles, &key);
	return role ? *role : 0;
}

/* A lookup only where the filter does not rule the address out: hardly any remote is the node. */
static __always_inline bool is_node(const struct config *config, const struct packet *packet)
{
	__u32 mixed = packet->remote[0] ^ packet->remote[1] ^ packet->remote[2] ^ packet->remote[3];
	__u32 bit = mixed * ROLE_FILTER_FACTOR >> (32 - ROLE_FILTER_BITS);

	if (!(config->role_filter[bit / 64] >> (bit & 63) & 1))
		return false;
	return address_role(packet->family, packet->remote) & ROLE_NODE;
}

static __always_inline const __be32 *destination(const struct packet *packet)
{
	return packet->direction == DIRECTION_EGRESS ? packet->remote : packet->local;
}

static __always_inline bool is_multicast(const struct packet *packet, const __be32 address[4])
{
	__u8 first = ((const __u8 *)address)[0];

	return packet->family == FAMILY_IPV6 ? first == 0xff : first >> 4 == 0xe;
}

static __always_inline bool is_link_local_unicast(const __be32 address[4])
{
	return (address[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Neighbour and router discovery; a hop limit of 255 shows that no router forwarded it (RFC 4861, 6.1). */
static __always_inline bool is_neighbour_discovery(const struct packet *packet, __u8 type)
{
	return type >= 133 && type <= 137 && packet->hop_limit == 255;
}

static __always_inline bool is_multicast_listener(const struct packet *packet, __u8 type)
{
	const __u8 *to = (const __u8 *)destination(packet);

	return ((type >= 130 && type <= 132) || type == 143) && packet->hop_limit == 1 && to[0] == 0xff &&
	       to[1] == 0x02;
}

static __always_inline bool is_dhcp(const struct config *config, const struct packet *packet)
{
	bool v6 = packet->family == FAMILY_IPV6;

	if (packet->protocol != IPPROTO_UDP || packet->local_port != (v6 ? DHCPV6_CLIENT : DHCP_CLIENT) ||
	    packet->remote_port != (v6 ? DHCPV6_SERVER : DHCP_SERVER))
		return false;
	if (packet->direction == DIRECTION_EGRESS &&
	    (is_multicast(packet, packet->remote) || (!v6 && packet->remote[0] == 0xffffffff)))
		return true;
	return is_node(config, packet);
}

/* Exempt wherever it comes from and whatever source it bears; decided before all else. */
static __always_inline bool is_always_exempt(const struct config *config, const struct packet *packet, int shape)
{
	__u8 type = packet->icmp_type_code >> 8;

	if (shape != PACKET_IP && shape != PACKET_LATER_FRAGMENT)
		return false;
	/*
	 * As its senders write it (RFC 2236, RFC 3376): neither a router nor a switch brings it to another pod alone, who
	 * might be spoken to by it past all rules.
	 */
	if (packet->family == FAMILY_IPV4 && packet->protocol == IPPROTO_IGMP)
		return packet->hop_limit == 1 && is_multicast(packet, destination(packet));
	/* The others are known by ports or type. */
	if (shape != PACKET_IP)
		return false;
	if (packet->family == FAMILY_IPV6 && packet->protocol == IPPROTO_ICMPV6 &&
	    (is_neighbour_discovery(packet, type) || is_multicast_listener(packet, type)))
		return true;
	return is_dhcp(config, packet);
}

/* The link between the pod and its node; the pod's own address there is in no list of addresses. */
static __always_inline bool is_node_link(const struct config *config, const struct packet *packet)
{
	return packet->family == FAMILY_IPV6 && is_link_local_unicast(packet->remote) && is_node(config, packet);
}

/* Link-local services and DNS: exempt under the link-local allowance, from the pod's own addresses only. */
static __always_inline bool is_service_exempt(const struct packet *packet)
{
	if (packet->family == FAMILY_IPV4 && (packet->remote[0] & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000))
		return true;
	if (packet->family == FAMILY_IPV6 && packet->remote[0] == bpf_htonl(0xfd000ec2))
		return true;
	return has_ports(packet) && packet->remote_port == DNS_PORT &&
	       address_role(packet->family, packet->remote) & ROLE_DNS;
}

/* Sent by the node's own stack (S-20). The kernel loses the ingress interface of an IPv6 datagram it refragments. */
static __always_inline bool is_node_originated(const struct __sk_buff *skb, const struct packet *packet)
{
	return packet->direction == DIRECTION_INGRESS && skb->ingress_ifindex == 0 &&
	       !(packet->family == FAMILY_IPV6 && packet->fragment != NO_FRAGMENT);
}

#endif
