// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One TCP connection between two network namespaces, as fast as it goes:
 * stream SERVER_NETNS CLIENT_NETNS ADDRESS PORT MILLISECONDS prints the bytes that the server read in that time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 16];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int socket_in(const char *netns)
{
	int descriptor, fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(netns);
	close(fd);
	descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		fail("socket");
	return descriptor;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void send_for(int connection, double milliseconds)
{
	double end = now() + milliseconds;

	while (now() < end)
		if (write(connection, buffer, sizeof(buffer)) < 0)
			fail("write");
}

static unsigned long long receive_all(int listener)
{
	unsigned long long total = 0;
	int connection = accept(listener, NULL, NULL);
	ssize_t count;

	while ((count = read(connection, buffer, sizeof(buffer))) > 0)
		total += count;
	return total;
}

int main(int count, char **arguments)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int listener, connection, status = 0, yes = 1;
	pid_t child;

	if (count != 6)
		return 2;
	inet_pton(AF_INET, arguments[3], &address.sin_addr);
	address.sin_port = htons(atoi(arguments[4]));
	listener = socket_in(arguments[1]);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1))
		fail("listen");
	child = fork();
	if (child == 0) {
		connection = socket_in(arguments[2]);
		if (connect(connection, (struct sockaddr *)&address, sizeof(address)))
			fail("connect");
		send_for(connection, atof(arguments[5]));
		exit(0);
	}
	/* A connection that never comes about ends the server too. */
	alarm(30);
	printf("%llu\n", receive_all(listener));
	waitpid(child, &status, 0);
	return status ? 1 : 0;
}
