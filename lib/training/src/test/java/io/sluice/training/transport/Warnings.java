package io.sluice.training.transport;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** What the transport warns of, kept in place of printed. */
final class Warnings extends AbstractAppender implements AutoCloseable {
  final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final Logger logger = (Logger) LogManager.getLogger(Warnings.class.getPackageName());

  Warnings() {
    super("warnings", null, null, true, Property.EMPTY_ARRAY);
    start();
    logger.setAdditive(false);
    logger.addAppender(this);
  }

  @Override
  public void append(LogEvent event) {
    if (event.getLevel().isMoreSpecificThan(Level.WARN)) {
      messages.add(event.getMessage().getFormattedMessage());
    }
  }

  @Override
  public void close() {
    logger.removeAppender(this);
    logger.setAdditive(true);
  }
}
