/**
 * Links between the processes of one training run: ranks with each other, ranks with the driver.
 *
 * <p>Main type: {@link io.sluice.training.transport.Endpoint}, one listening port and one thread. A
 * {@link io.sluice.training.transport.Link} leads from it to one peer; a {@link
 * io.sluice.training.transport.Endpoint.Listener} hears what arrives and who is lost. {@link
 * io.sluice.training.transport.GroupKey} is what the members of a run share, {@link
 * io.sluice.training.transport.TransportSettings} where to listen and how long to wait.
 *
 * <p>Depends on Spark's {@code network-common} and Netty, and on nothing of Sluice.
 *
 * <p>The decision worth knowing: Spark's library opens the connection, and a codec of our own uses
 * it. Spark's bootstraps authenticate and encrypt a channel just as they do for its block transfers
 * ({@code spark.authenticate}, {@code spark.network.crypto.*}, SASL), speaking Spark's RPC
 * messages. The first RPC after them is a peer's hello. Until its answer {@code HandshakeFrames}
 * lets Spark's frames through one by one; from then on {@code Gate} keeps the bytes to itself,
 * which {@code MessageReader} takes apart: {@code headBytes, bodyBytes, head, body}, bodies handed
 * over as they arrive and sent from the caller's memory. Nothing is deserialised by Java.
 *
 * <p><b>Who may speak.</b> With or without {@code spark.authenticate}, both sides prove that they
 * hold the key of the run (HMAC-SHA256 over the nonces of both, both names and the run). Before,
 * all a connection can do is to send frames of at most 4 KiB for a few seconds: {@code Gate} sits
 * in front of Spark's frame decoder, which would gather whatever length a stranger announces. With
 * SASL encryption, a peer that holds Spark's own secret passes Spark's decryption first, and that
 * trusts its lengths.
 *
 * <p><b>Who is lost.</b> A process that dies closes its connections: noticed at once. One that
 * stops, or whose cable is pulled, is silent: links send a heartbeat when they have nothing else to
 * send, and a peer that is silent for the deadline is lost. Heartbeats run on the endpoint's
 * thread, so a rank that computes for long is not a lost one. Silence is counted in ticks of this
 * process's own clock, so one that was itself stopped for a minute hears its peers before it judges
 * them.
 *
 * <p><b>Encryption.</b> AES-CTR and SASL work. Spark 3.5's AES-GCM delivers one message per
 * connection and then waits forever, so it is refused when the settings are made; its SASL
 * encryption loses ends of plain buffers, so {@code BufferRegion} wraps them.
 *
 * <p><b>Considered:</b> Spark's {@code TransportServer} and {@code TransportClientFactory}. They
 * bring thread pools of their own, for a server, its acceptor and its clients: state that links
 * share would need locks. The twenty lines that they add around {@code TransportContext} are
 * written here over one event loop.
 *
 * <p><b>Considered:</b> Spark's {@code uploadStream} for bodies: it answers each with an RPC, and
 * logs an error for each that fails.
 */
package io.sluice.training.transport;
