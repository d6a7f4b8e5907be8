package io.sluice.training;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** What a class, or all of a package, warns of: kept in place of printed. */
public final class Warnings extends AbstractAppender implements AutoCloseable {
  public final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final Logger logger;

  public Warnings(String logger) {
    super("warnings", null, null, true, Property.EMPTY_ARRAY);
    start();
    this.logger = (Logger) LogManager.getLogger(logger);
    this.logger.setAdditive(false);
    this.logger.addAppender(this);
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
