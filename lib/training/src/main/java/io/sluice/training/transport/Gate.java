package io.sluice.training.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.buffer.ManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.util.TransportFrameDecoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection, from the first byte to the last: what stands between a socket and a listener.
 *
 * <p>It sits in the channel's pipeline behind Spark's decryption and before Spark's frame decoder.
 * At first it passes Spark's frames on, one at a time and none longer than a handshake's; once the
 * peer has said hello it keeps all bytes. Its own methods run on the endpoint's thread.
 *
 * <p>On the wire, in network order: {@code int headBytes, int bodyBytes, head, body}; both 0 is a
 * heartbeat.
 */
final class Gate extends ChannelInboundHandlerAdapter implements Link {
  private enum State {
    /** Spark's authentication, then our hello and its answer, in Spark's frames. */
    SPARK,
    /** Accepting side: the peer's proof comes next. */
    PROOF,
    /** Connecting side: the verdict comes next. */
    VERDICT,
    OPEN,
    /** Closed on this side; what still arrives is dropped. */
    CLOSED
  }

  private static final Logger LOG = LoggerFactory.getLogger(Gate.class);

  /** Name of the handler by which Spark encrypts with SASL. */
  private static final String SASL_ENCRYPTION = "saslEncryption";

  /** How long a peer may keep its end open when this one closes. */
  private static final long LINGER_MILLIS = 1000;

  /** Bytes read from a socket at once: small enough to stay in a cache until they are used. */
  private static final int READ_BYTES = 128 << 10;

  private final Endpoint endpoint;
  private final SocketChannel channel;
  private final boolean accepted;
  private final Handshake handshake;
  private final CompletableFuture<Link> opened = new CompletableFuture<>();
  private ChannelHandlerContext context;
  private State state = State.SPARK;
  private String peer;
  private volatile String refusal;

  private final HandshakeFrames frames;
  private final MessageReader reader = new MessageReader(this::received);

  // life signs
  private int silentTicks;
  private boolean wrote;
  private Future<?> ticks;

  private ChannelFuture lastWrite;
  private final AtomicLong bytesSent = new AtomicLong();

  private Gate(Endpoint endpoint, SocketChannel channel, boolean accepted, String peer) {
    this.endpoint = endpoint;
    this.channel = channel;
    this.accepted = accepted;
    this.peer = peer;
    this.handshake = new Handshake(endpoint.key(), endpoint.self());
    this.frames = new HandshakeFrames(accepted, endpoint.key().runId());
  }

  static Gate accepted(Endpoint endpoint, SocketChannel channel) {
    return new Gate(endpoint, channel, true, null);
  }

  static Gate connecting(Endpoint endpoint, SocketChannel channel, String peer) {
    return new Gate(endpoint, channel, false, peer);
  }

  /** Builds Spark's pipeline with this in it. */
  TransportClient install(TransportContext spark) {
    TransportClient client = spark.initializePipeline(channel).getClient();
    channel
        .pipeline()
        .addBefore(TransportFrameDecoder.HANDLER_NAME, "gate", this)
        .addBefore(
            "handler",
            "refusal",
            new ChannelInboundHandlerAdapter() {
              @Override
              public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                refuse("sent what is no message of Spark's (" + cause.getMessage() + ")");
              }
            });
    if (accepted) {
      var handshakeDeadline = endpoint.settings().handshake();
      Future<?> expiry =
          endpoint
              .loop()
              .schedule(
                  () ->
                      refuse(
                          "said nothing that proves it within "
                              + Endpoint.shown(handshakeDeadline)),
                  handshakeDeadline.toMillis(),
                  TimeUnit.MILLISECONDS);
      opened.whenComplete((link, failure) -> expiry.cancel(false));
    }
    return client;
  }

  // ---- the handshake

  /** The connecting side says hello; the result is the open link. */
  CompletableFuture<Link> greet(TransportClient client) {
    client.sendRpc(
        handshake.hello(),
        new RpcResponseCallback() {
          @Override
          public void onSuccess(ByteBuffer answer) {
            answered(answer);
          }

          @Override
          public void onFailure(Throwable e) {
            endpoint
                .loop()
                .execute(() -> refuse("did not answer a hello (" + e.getMessage() + ")"));
          }
        });
    return opened;
  }

  private void answered(ByteBuffer answer) {
    try {
      ByteBuffer proof = handshake.proof(answer);
      if (!handshake.peer().equals(peer)) {
        refuse("is " + handshake.peer());
        return;
      }
      state = State.VERDICT;
      write(proof, null, null);
    } catch (Handshake.BrokenException e) {
      refuse(e.getMessage());
    }
  }

  /** Answers the hello of an accepted connection, once Spark has authenticated it. */
  RpcHandler helloHandler() {
    return new RpcHandler() {
      @Override
      public void receive(TransportClient client, ByteBuffer hello, RpcResponseCallback callback) {
        if (!accepted || state != State.SPARK) {
          refuse("sent a request where none is due");
          return;
        }
        try {
          ByteBuffer answer = handshake.answer(hello);
          peer = handshake.peer();
          callback.onSuccess(answer);
          state = State.PROOF;
        } catch (Handshake.BrokenException e) {
          callback.onSuccess(Handshake.refusal(e.getMessage()));
          refuse(e.getMessage());
        }
      }

      @Override
      public StreamManager getStreamManager() {
        return new StreamManager() {
          @Override
          public ManagedBuffer getChunk(long streamId, int chunkIndex) {
            throw new UnsupportedOperationException("no streams here");
          }
        };
      }
    };
  }

  /** Spark's authentication, whose failure is one warning and a short answer. */
  RpcHandler guarded(RpcHandler authentication) {
    return new RpcHandler() {
      @Override
      public void receive(
          TransportClient client, ByteBuffer message, RpcResponseCallback callback) {
        try {
          authentication.receive(client, message, callback);
        } catch (RuntimeException e) {
          LOG.debug("{}: authentication of {}", endpoint.self(), channel.remoteAddress(), e);
          callback.onFailure(new NotAuthenticatedException());
          refuse(NOT_AUTHENTICATED);
        }
      }

      @Override
      public StreamManager getStreamManager() {
        return authentication.getStreamManager();
      }

      @Override
      public void channelInactive(TransportClient client) {
        authentication.channelInactive(client); // frees what SASL holds
      }
    };
  }

  private static final String NOT_AUTHENTICATED =
      "did not authenticate with Spark's secret (spark.authenticate)";

  /** Spark sends stack traces; a stranger gets none. */
  private static final class NotAuthenticatedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NotAuthenticatedException() {
      super("authentication failed", null, false, false);
    }
  }

  private void proved(ByteBuffer proof) {
    String reason = null;
    if (!handshake.isProvedBy(proof)) {
      reason = "cannot prove that it belongs to run " + endpoint.key().runId();
    } else if (!endpoint.admit(this)) {
      reason = "claims to be %s, and another connection is".formatted(peer);
    }
    if (reason == null) {
      write(Handshake.welcome(), null, null);
      open();
    } else {
      write(Handshake.refusal(reason), null, null);
      refuse(reason);
    }
  }

  private void judged(ByteBuffer verdict) {
    try {
      Handshake.requireWelcome(verdict);
      if (endpoint.admit(this)) {
        open();
      } else {
        refuse("is linked already");
      }
    } catch (Handshake.BrokenException e) {
      refuse(e.getMessage());
    }
  }

  private void open() {
    state = State.OPEN;
    channel
        .config()
        .setRecvByteBufAllocator(new AdaptiveRecvByteBufAllocator(4096, READ_BYTES, READ_BYTES));
    long every = endpoint.settings().heartbeat().toNanos();
    ticks = endpoint.loop().scheduleWithFixedDelay(this::tick, every, every, TimeUnit.NANOSECONDS);
    endpoint.listener().joined(this);
    opened.complete(this);
  }

  /** Closes a connection that is no link yet; the reason completes "it …". */
  void refuse(String reason) {
    if (refusal != null || state == State.OPEN || state == State.CLOSED) {
      return;
    }
    refusal = peer == null || accepted ? reason : "it " + reason;
    state = State.CLOSED;
    if (accepted) {
      LOG.warn(
          "{} refuses a connection from {}: it {}",
          endpoint.self(),
          channel.remoteAddress(),
          reason);
    }
    endpoint.forget(this);
    opened.completeExceptionally(new IllegalStateException(refusal));
    channel.close();
  }

  String refusal() {
    return refusal;
  }

  // ---- reading

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf in = (ByteBuf) message;
    silentTicks = 0;
    try {
      while (in.isReadable()) {
        switch (state) {
          case SPARK -> readSpark(in);
          case PROOF, VERDICT -> reader.read(in, Handshake.MAX_BYTES, 0);
          case OPEN -> reader.read(in, MAX_HEAD_BYTES, endpoint.settings().maxBodyBytes());
          case CLOSED -> {
            return;
          }
        }
      }
    } catch (Handshake.BrokenException e) {
      breakOff(e.getMessage());
    } finally {
      in.release();
    }
  }

  /** Passes a frame of Spark's on once it is whole. */
  private void readSpark(ByteBuf in) throws Handshake.BrokenException {
    ByteBuf whole = frames.gather(in);
    if (whole != null) {
      context.fireChannelRead(whole);
    }
  }

  private Endpoint.Body received(ByteBuffer head, int bodyBytes) {
    switch (state) {
      case PROOF -> proved(head);
      case VERDICT -> judged(head);
      case OPEN -> {
        return endpoint.listener().received(this, head, bodyBytes);
      }
      case SPARK, CLOSED -> throw new IllegalStateException("read in state " + state);
    }
    return null;
  }

  // ---- writing

  @Override
  public void send(ByteBuffer message, ByteBuffer body, Runnable released) {
    if (message.remaining() > MAX_HEAD_BYTES || message.remaining() == 0) {
      throw new IllegalArgumentException(
          "head has %,d bytes, expected 1 to %,d; longer ones go in the body"
              .formatted(message.remaining(), MAX_HEAD_BYTES));
    }
    if (endpoint.inThread()) {
      write(message, body, released);
      return;
    }
    ByteBuffer copy = ByteBuffer.allocate(message.remaining()).put(message.duplicate()).flip();
    try {
      endpoint.execute(() -> write(copy, body, released));
    } catch (RejectedExecutionException e) { // the endpoint is closed
      if (released != null) {
        released.run();
      }
    }
  }

  private void write(ByteBuffer message, ByteBuffer body, Runnable released) {
    if (state == State.CLOSED) {
      if (released != null) {
        // not at once: the caller may go on to send more
        endpoint.execute(released);
      }
      return;
    }
    int bytes = body == null ? 0 : body.remaining();
    ByteBuf start = endpoint.allocator().directBuffer(MessageReader.LENGTHS + message.remaining());
    start.writeInt(message.remaining()).writeInt(bytes).writeBytes(message.duplicate());
    wrote = true;
    bytesSent.addAndGet(start.readableBytes() + (long) bytes);
    ChannelFuture written;
    if (bytes == 0) {
      written = context.writeAndFlush(sendable(start));
    } else {
      context.write(sendable(start), context.voidPromise());
      written = context.writeAndFlush(sendable(Unpooled.wrappedBuffer(body)));
    }
    lastWrite = written;
    if (released != null) {
      written.addListener(future -> released.run());
    }
  }

  /** See {@link BufferRegion}. */
  private Object sendable(ByteBuf buffer) {
    return context.pipeline().get(SASL_ENCRYPTION) == null ? buffer : new BufferRegion(buffer);
  }

  @Override
  public String peer() {
    return peer;
  }

  @Override
  public long bytesSent() {
    return bytesSent.get();
  }

  // ---- life and end

  /** Every heartbeat interval: is the peer alive, and does it know that this side is? */
  private void tick() {
    silentTicks++;
    var settings = endpoint.settings();
    if (settings.heartbeat().multipliedBy(silentTicks).compareTo(settings.silence()) >= 0) {
      breakOff(
          "sent nothing for %s, not even a heartbeat"
              .formatted(Endpoint.shown(settings.silence())));
    } else if (!wrote && channel.isWritable()) {
      context.writeAndFlush(
          sendable(endpoint.allocator().directBuffer(MessageReader.LENGTHS).writeLong(0)),
          context.voidPromise());
      bytesSent.addAndGet(MessageReader.LENGTHS);
    }
    wrote = false;
  }

  /** Ends the connection for something that the peer did; the reason completes "it …". */
  private void breakOff(String reason) {
    if (state != State.OPEN) {
      refuse(reason);
      return;
    }
    state = State.CLOSED;
    endpoint.forget(this);
    ticks.cancel(false);
    channel.close();
    endpoint.listener().lost(this, reason);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException) {
      breakOff("broke the connection (" + cause.getMessage() + ")");
    } else if (state == State.OPEN) {
      LOG.error("{} cannot handle a message of {}", endpoint.self(), peer, cause);
      breakOff("sent what could not be handled (" + cause + ")");
    } else {
      breakOff("sent what could not be read (" + cause + ")");
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    frames.release();
    breakOff(
        state == State.OPEN
            ? "closed the connection"
            : "closed the connection before it proved to belong to run " + endpoint.key().runId());
    ctx.fireChannelInactive();
  }

  @Override
  public void close() {
    if (endpoint.inThread()) {
      closeGracefully();
    } else {
      try {
        endpoint.execute(this::closeGracefully);
      } catch (RejectedExecutionException e) {
        LOG.debug("{} was closed before its link to {}", endpoint.self(), peer);
      }
    }
  }

  /**
   * Says that nothing more comes and waits for the peer to do the same: closing with bytes unread
   * would reset the connection, and the peer could lose the last ones that were sent to it.
   */
  private void closeGracefully() {
    if (state == State.CLOSED) {
      return;
    }
    state = State.CLOSED;
    endpoint.forget(this);
    if (ticks != null) {
      ticks.cancel(false);
    }
    lastWrite.addListener(sent -> channel.shutdownOutput());
    Future<?> linger =
        endpoint.loop().schedule(() -> channel.close(), LINGER_MILLIS, TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(done -> linger.cancel(false));
  }

  /** Closes a connection of which nothing is known, without a word: this side ends. */
  void drop() {
    refusal = "closed on this side";
    state = State.CLOSED;
    endpoint.forget(this);
    opened.completeExceptionally(new IllegalStateException(refusal));
    channel.close();
  }
}
