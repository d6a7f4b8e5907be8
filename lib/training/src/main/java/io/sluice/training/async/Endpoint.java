package io.sluice.training.async;

import java.io.IOException;
import java.io.Serializable;
import java.net.DatagramSocket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/**
 * Where a process listens.
 *
 * @param address a number, not a name
 * @param port UDP
 */
record Endpoint(String address, int port) implements Serializable {
  /** How many ports are tried, as Spark does with its own ({@code spark.port.maxRetries}). */
  static final int TRIES = 16;

  static Endpoint of(String host, int port) throws UnknownHostException {
    return new Endpoint(InetAddress.getByName(host).getHostAddress(), port);
  }

  /**
   * A port that is free now.
   *
   * @param first of the ports to choose from; 0 for any
   * @param skip how many of them to pass over, so that a second try does not get the first's port
   * @throws IOException if none is free
   */
  static Endpoint free(String host, int first, int skip) throws IOException {
    Endpoint address = of(host, 0);
    if (first == 0) {
      return address.bound();
    }
    IOException last = null;
    for (int n = 0; n < TRIES; n++) {
      try {
        return new Endpoint(address.address, first + (skip + n) % TRIES).bound();
      } catch (IOException e) {
        last = e;
      }
    }
    throw last;
  }

  private Endpoint bound() throws IOException {
    try (DatagramSocket socket = open()) {
      return new Endpoint(address, socket.getLocalPort());
    }
  }

  DatagramSocket open() throws IOException {
    return new DatagramSocket(socketAddress());
  }

  InetSocketAddress socketAddress() throws UnknownHostException {
    return new InetSocketAddress(InetAddress.getByName(address), port);
  }

  /** As Aeron names it; a process's name among the others. */
  String channel() {
    return "aeron:udp?endpoint=" + this;
  }

  @Override
  public String toString() {
    try {
      String host =
          InetAddress.getByName(address) instanceof Inet6Address ? "[" + address + "]" : address;
      return host + ":" + port;
    } catch (UnknownHostException e) {
      throw new IllegalStateException("%s is no address".formatted(address), e);
    }
  }
}
