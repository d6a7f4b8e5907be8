package io.sluice.training.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.NettyUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member's end of a run's links: it listens on a port, connects to other members, and runs all
 * of its links, their heartbeats and its listener on one daemon thread.
 *
 * <p>Strangers are logged at WARN and closed; the listener never hears of them.
 */
public final class Endpoint implements AutoCloseable {
  /** What happens on the links; called on the endpoint's thread, so it must not wait. */
  public interface Listener {
    /** A member is linked, whoever connected to whom. */
    default void joined(Link link) {}

    /**
     * A message began.
     *
     * @param head the whole head; valid during the call
     * @param bodyBytes length of the body that follows; may be 0
     * @return where the body goes; not asked for where there is none
     */
    Body received(Link link, ByteBuffer head, int bodyBytes);

    /**
     * A member is gone: its process ended, it closed the link, or it was silent for too long. Not
     * called for links closed on this side.
     *
     * @param reason what it did, as the end of a sentence that begins with its name
     */
    void lost(Link link, String reason);
  }

  /** Takes the body of one message as it arrives. */
  public interface Body {
    /**
     * @param piece the next bytes, cut anywhere; valid during the call
     * @param last whether the body ends with them
     */
    void piece(ByteBuffer piece, boolean last);
  }

  private static final Logger LOG = LoggerFactory.getLogger(Endpoint.class);

  /** Connections that have not proved anything yet, at one time. */
  private static final int MAX_STRANGERS = 1024;

  private static final long THREAD_END_MILLIS = 5000;

  private final TransportSettings settings;
  private final String self;
  private final GroupKey key;
  private final Listener listener;
  private final EventLoopGroup group;
  private final EventLoop loop;
  private final PooledByteBufAllocator allocator;
  private final ChannelGroup channels;
  private final Channel server;

  // touched by the loop only
  private final Map<String, Gate> members = new HashMap<>();
  private final Set<Gate> strangers = new HashSet<>();
  private boolean closing;

  private Endpoint(TransportSettings settings, String self, GroupKey key, Listener listener)
      throws IOException {
    this.settings = settings;
    this.self = Objects.requireNonNull(self, "self");
    this.key = Objects.requireNonNull(key, "key");
    this.listener = Objects.requireNonNull(listener, "listener");
    // one arena and no caches: all buffers come from one thread
    this.allocator = new PooledByteBufAllocator(true, 0, 1, 8192, 9, 0, 0, false);
    this.group =
        NettyUtils.createEventLoop(settings.ioMode(), 1, "sluice-" + self.replace(' ', '-'));
    this.loop = group.next();
    this.channels = new DefaultChannelGroup(loop);
    try {
      this.server = bind();
      channels.add(server);
    } catch (IOException | RuntimeException e) {
      group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw e;
    }
  }

  /**
   * Binds and accepts members from now on.
   *
   * @param self this member's name, such as "rank 3 of 8"
   * @throws IOException if the port cannot be had
   */
  public static Endpoint listen(
      TransportSettings settings, String self, GroupKey key, Listener listener) throws IOException {
    return new Endpoint(settings, self, key, listener);
  }

  private Channel bind() throws IOException {
    InetSocketAddress address = settings.bindAddress();
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(group)
            .channel(NettyUtils.getServerChannelClass(settings.ioMode()))
            .option(ChannelOption.ALLOCATOR, allocator)
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .childOption(ChannelOption.ALLOCATOR, allocator)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    accept(channel);
                  }
                });
    int buffer = settings.conf().receiveBuf();
    if (buffer > 0) {
      bootstrap.childOption(ChannelOption.SO_RCVBUF, buffer);
    }
    ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "%s cannot listen on %s: %s".formatted(self, address, bound.cause().getMessage()),
          bound.cause());
    }
    return bound.channel();
  }

  private void accept(SocketChannel channel) {
    if (closing || strangers.size() >= MAX_STRANGERS) {
      if (!closing) {
        LOG.warn(
            "{} refuses a connection from {}: {} others have not proved yet that they belong to run"
                + " {}",
            self,
            channel.remoteAddress(),
            strangers.size(),
            key.runId());
      }
      channel.close();
      return;
    }
    channels.add(channel);
    Gate gate = Gate.accepted(this, channel);
    RpcHandler handler = gate.helloHandler();
    for (TransportServerBootstrap bootstrap : settings.serverBootstraps()) {
      handler = bootstrap.doBootstrap(channel, handler);
    }
    gate.install(new TransportContext(settings.conf(), gate.guarded(handler)));
    strangers.add(gate);
  }

  /** Where peers reach this endpoint: "host:port". */
  public String address() {
    return settings.host() + ":" + port();
  }

  public int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  public String self() {
    return self;
  }

  /**
   * Links this member with another and returns once both have proved their membership. Not for the
   * endpoint's own thread.
   *
   * @param address "host:port"
   * @param peer name that the member must prove to hold
   * @throws IOException if that cannot be done within the deadline; the message says with whom and
   *     why
   */
  public Link connect(String address, String peer, Duration deadline) throws IOException {
    long end = System.nanoTime() + deadline.toNanos();
    int colon = address.lastIndexOf(':');
    var remote =
        new InetSocketAddress(
            address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    Gate[] gate = new Gate[1];
    TransportClient[] client = new TransportClient[1];
    var bootstrap =
        new Bootstrap()
            .group(group)
            .channel(NettyUtils.getClientChannelClass(settings.ioMode()))
            .option(ChannelOption.ALLOCATOR, allocator)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(
                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                Math.toIntExact(Math.max(1, deadline.toMillis())))
            .handler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channels.add(channel);
                    gate[0] = Gate.connecting(Endpoint.this, channel, peer);
                    client[0] =
                        gate[0].install(
                            new TransportContext(settings.conf(), gate[0].helloHandler()));
                    strangers.add(gate[0]);
                  }
                });
    ChannelFuture connected = bootstrap.connect(remote).awaitUninterruptibly();
    if (!connected.isSuccess()) {
      throw cannotLink(peer, address, connected.cause().getMessage(), connected.cause());
    }
    Future<?> expiry =
        loop.schedule(
            () ->
                gate[0].refuse(
                    "did not complete the handshake within %s".formatted(shown(deadline))),
            end - System.nanoTime(),
            TimeUnit.NANOSECONDS);
    boolean bootstrapped = false;
    try {
      for (TransportClientBootstrap security : settings.clientBootstraps()) {
        security.doBootstrap(client[0], connected.channel());
      }
      bootstrapped = true;
      return gate[0].greet(client[0]).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      connected.channel().close();
      throw cannotLink(peer, address, "interrupted", e);
    } catch (Exception e) { // what a bootstrap, or the Scala under it, throws
      connected.channel().close();
      String reason =
          bootstrapped
              ? gate[0].refusal()
              : "it and Spark here do not authenticate each other (%s); spark.authenticate, spark.network.crypto.* and the secret must be the same on both"
                  .formatted(firstLine(rootOf(e)));
      throw cannotLink(peer, address, reason, e);
    } finally {
      expiry.cancel(false);
    }
  }

  private IOException cannotLink(String peer, String address, String reason, Throwable cause) {
    return new IOException(
        "%s cannot link with %s at %s: %s".formatted(self, peer, address, reason), cause);
  }

  private static Throwable rootOf(Throwable e) {
    return e.getCause() == null ? e : rootOf(e.getCause());
  }

  private static String firstLine(Throwable e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  /** "10s", "250ms". */
  static String shown(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + "s"
        : duration.toMillis() + "ms";
  }

  /** Runs a task on the endpoint's thread: the listener's state needs no lock. */
  public void execute(Runnable task) {
    loop.execute(task);
  }

  /** Whether the caller is the endpoint's thread. */
  public boolean inThread() {
    return loop.inEventLoop();
  }

  /**
   * Closes all links after what was sent before is on its way, and ends the thread; takes a second
   * where peers do not close their ends. Not for the endpoint's own thread.
   */
  @Override
  public void close() {
    if (loop.isShutdown()) {
      return;
    }
    Future<Thread> asked =
        loop.submit(
            () -> {
              closing = true;
              server.close();
              Set.copyOf(strangers).forEach(Gate::drop);
              Set.copyOf(members.values()).forEach(Gate::close);
              return Thread.currentThread();
            });
    asked.awaitUninterruptibly();
    channels.newCloseFuture().awaitUninterruptibly();
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    join(asked.getNow());
  }

  /** Netty's promise is kept a moment before its thread ends. */
  private static void join(Thread thread) {
    try {
      thread.join(THREAD_END_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // it ends by itself
    }
  }

  // ---- for Gate, on the loop

  TransportSettings settings() {
    return settings;
  }

  GroupKey key() {
    return key;
  }

  Listener listener() {
    return listener;
  }

  EventLoop loop() {
    return loop;
  }

  PooledByteBufAllocator allocator() {
    return allocator;
  }

  /** Takes a gate whose peer has proved its membership; false if its name is taken. */
  boolean admit(Gate gate) {
    strangers.remove(gate);
    return !gate.peer().equals(self) && members.putIfAbsent(gate.peer(), gate) == null;
  }

  void forget(Gate gate) {
    strangers.remove(gate);
    members.remove(gate.peer(), gate);
  }
}
