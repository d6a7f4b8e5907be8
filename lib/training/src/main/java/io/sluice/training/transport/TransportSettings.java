package io.sluice.training.transport;

import io.netty.channel.epoll.Epoll;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.IOMode;
import org.apache.spark.network.util.MapConfigProvider;
import org.apache.spark.network.util.TransportConf;

/**
 * Where an endpoint listens, how long it waits, and how Spark secures its connections.
 *
 * <p>Spark's settings of network modules hold under the module {@code sluice}, such as {@code
 * spark.sluice.io.mode} (EPOLL where there is epoll, else NIO) and {@code
 * spark.sluice.io.receiveBuffer}.
 */
public final class TransportSettings {
  private static final String MODULE = "sluice";

  private final SparkConf spark;
  private final SecurityManager security;
  private final TransportConf conf;
  private String host;
  private int port = 0;
  private int maxBodyBytes = 64 << 20;
  private Duration heartbeat = Duration.ofSeconds(1);
  private Duration silence = Duration.ofSeconds(10);
  private Duration handshake = Duration.ofSeconds(10);

  private TransportSettings(SparkConf spark, SecurityManager security, String host) {
    this.spark = spark;
    this.security = security;
    this.host = Objects.requireNonNull(host, "host");
    Map<String, String> entries =
        Arrays.stream(spark.getAll()).collect(Collectors.toMap(e -> e._1(), e -> e._2()));
    entries.putIfAbsent(
        "spark." + MODULE + ".io.mode", (Epoll.isAvailable() ? IOMode.EPOLL : IOMode.NIO).name());
    this.conf = new TransportConf(MODULE, new MapConfigProvider(entries));
    if (security.isAuthenticationEnabled()
        && conf.encryptionEnabled()
        && conf.cipherTransformation().contains("GCM")) {
      // GcmTransportCipher.DecryptionHandler of 3.5 never begins a second message
      throw new IllegalArgumentException(
          "spark.network.crypto.cipher is %s: with it, Spark 3.5 delivers one message per connection and no more. Use AES/CTR/NoPadding."
              .formatted(conf.cipherTransformation()));
    }
  }

  private TransportSettings(TransportSettings other) {
    this.spark = other.spark;
    this.security = other.security;
    this.conf = other.conf;
    this.host = other.host;
    this.port = other.port;
    this.maxBodyBytes = other.maxBodyBytes;
    this.heartbeat = other.heartbeat;
    this.silence = other.silence;
    this.handshake = other.handshake;
  }

  /** Those of the driver or executor that this is: its host name, its secrets. */
  public static TransportSettings ofSpark(SparkEnv env) {
    return of(env.conf(), env.securityManager(), env.blockManager().blockManagerId().host());
  }

  /**
   * @param host this process's host as its peers reach it
   */
  public static TransportSettings of(SparkConf conf, SecurityManager security, String host) {
    return new TransportSettings(conf, security, host);
  }

  /** Port to listen on; 0, the default, takes any that is free. */
  public TransportSettings withPort(int port) {
    var copy = new TransportSettings(this);
    copy.port = port;
    return copy;
  }

  /** Longest body of a message that is accepted; 64 MiB if not said. */
  public TransportSettings withMaxBodyBytes(int bytes) {
    var copy = new TransportSettings(this);
    copy.maxBodyBytes = bytes;
    return copy;
  }

  /**
   * How often a link that is at rest says that it is there (1 s if not said), and how long a peer
   * may be silent before it counts as lost (10 s).
   */
  public TransportSettings withHeartbeat(Duration every, Duration silence) {
    if (every.isNegative() || every.isZero() || silence.compareTo(every.multipliedBy(2)) < 0) {
      throw new IllegalArgumentException(
          "silence is %s, expected at least twice the heartbeat of %s".formatted(silence, every));
    }
    var copy = new TransportSettings(this);
    copy.heartbeat = every;
    copy.silence = silence;
    return copy;
  }

  /** How long a connection may take to prove its membership; 10 s if not said. */
  public TransportSettings withHandshake(Duration deadline) {
    var copy = new TransportSettings(this);
    copy.handshake = deadline;
    return copy;
  }

  public String host() {
    return host;
  }

  int maxBodyBytes() {
    return maxBodyBytes;
  }

  Duration heartbeat() {
    return heartbeat;
  }

  Duration silence() {
    return silence;
  }

  Duration handshake() {
    return handshake;
  }

  TransportConf conf() {
    return conf;
  }

  IOMode ioMode() {
    return IOMode.valueOf(conf.ioMode());
  }

  List<TransportServerBootstrap> serverBootstraps() {
    return security.isAuthenticationEnabled()
        ? List.of(new AuthServerBootstrap(conf, security))
        : List.of();
  }

  List<TransportClientBootstrap> clientBootstraps() {
    return security.isAuthenticationEnabled()
        ? List.of(new AuthClientBootstrap(conf, security.getSaslUser(), security))
        : List.of();
  }

  /**
   * The address to bind. A driver may be told another than its peers reach it at; a container may
   * not know the name that others call it by, and then listens on all of its own.
   */
  InetSocketAddress bindAddress() {
    try {
      String bind =
          host.equals(spark.get("spark.driver.host", null))
              ? spark.get("spark.driver.bindAddress", host)
              : host;
      InetAddress address = InetAddress.getByName(bind);
      return address.isAnyLocalAddress() || NetworkInterface.getByInetAddress(address) != null
          ? new InetSocketAddress(address, port)
          : new InetSocketAddress(port);
    } catch (UnknownHostException | SocketException e) {
      return new InetSocketAddress(port);
    }
  }
}
