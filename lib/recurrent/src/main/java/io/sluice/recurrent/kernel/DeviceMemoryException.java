package io.sluice.recurrent.kernel;

/** A device has no memory left for what a kernel needs; the kernel is as it was before the call. */
public class DeviceMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message how much, what for and what to do
   */
  public DeviceMemoryException(String message) {
    super(message);
  }
}
