# frozen_string_literal: true

# A client of RowndAuth: verifies, trades and renews tokens, and reads a user.

require 'json'
require 'google/protobuf/well_known_types'
require 'google/rpc/error_details_pb'
require 'grpc'
require 'grpc/google_rpc_status_utils'
require 'rownd/auth/v1/rownd_auth_services_pb'
require_relative 'management'

DEADLINE = 5 # seconds, for a call with all of its tries

# Verify and GetUser may be asked again. Exchange never: what it trades works once.
SERVICE_CONFIG = {
  methodConfig: [{
    name: [
      { service: 'rownd.auth.v1.RowndAuth', method: 'Verify' },
      { service: 'rownd.auth.v1.RowndAuth', method: 'GetUser' }
    ],
    retryPolicy: {
      maxAttempts: 3,
      initialBackoff: '0.1s',
      maxBackoff: '1s',
      backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE']
    }
  }]
}.freeze

# RowndAuth, as one of its callers.
class Client
  include Rownd::Auth::V1

  attr_reader :metadata

  def initialize(target, secret)
    @target = target
    @channel = { 'grpc.service_config' => SERVICE_CONFIG.to_json }
    # The library would put the socket's path there, which is no host (RFC 9113 section 8.3.1).
    @channel['grpc.default_authority'] = 'localhost' if target.start_with?('unix:')
    @stub = stub(RowndAuth)
    @metadata = { 'authorization' => "Bearer #{secret}" }
  end

  # A stub of another service, with the same target.
  def stub(service)
    service::Stub.new(
      @target, :this_channel_is_insecure, channel_args: @channel, timeout: DEADLINE
    )
  end

  def verify(token)
    answer = @stub.verify(VerifyRequest.new(token: token), metadata: @metadata)
    return "denied #{answer.denial.reason}" unless answer.outcome == :identity

    "#{answer.identity.user_id} #{answer.identity.auth_level}"
  end

  def exchange(token)
    trade(third_party_token: ThirdPartyTokenGrant.new(token: token))
  end

  def refresh(token)
    trade(refresh_token: RefreshTokenGrant.new(refresh_token: token))
  end

  def user(token)
    mask = Google::Protobuf::FieldMask.new(paths: %w[id data memberships])
    request = GetUserRequest.new(token: token, read_mask: mask)
    user = @stub.get_user(request, metadata: @metadata).user
    email = user.data['email']
    "#{user.id} #{email} #{user.memberships.map(&:group_id).join(',')}"
  end

  private

  def trade(grant)
    @stub.exchange(ExchangeRequest.new(**grant), metadata: @metadata).tokens
  end
end

# The code of an error, its reason, and whether it is worth trying again.
def explain(error)
  code = GRPC::Core::StatusCodes.constants.find do |name|
    GRPC::Core::StatusCodes.const_get(name) == error.code
  end
  status = GRPC::GoogleRpcStatusUtils.extract_google_rpc_status(error.to_status)
  reason = again = ''
  status&.details&.each do |detail|
    if detail.is(Google::Rpc::ErrorInfo)
      reason = " #{detail.unpack(Google::Rpc::ErrorInfo).reason}"
    elsif detail.is(Google::Rpc::RetryInfo)
      delay = detail.unpack(Google::Rpc::RetryInfo).retry_delay
      again = ", retry in #{(delay.to_f * 1000).floor} ms"
    end
  end
  "#{code}#{reason}#{again}"
end

def attempt(what)
  puts "#{what}: #{yield}"
rescue GRPC::BadStatus => e
  puts "#{what}: #{explain(e)}"
end

client = Client.new(ENV.fetch('AUTHZ_TARGET'), File.read(ENV.fetch('AUTHZ_SECRET_FILE')).strip)
if ARGV == ['management']
  manage(client)
  exit
end

token = ENV.fetch('TOKEN')

attempt('verify') { client.verify(token) }
attempt('verify nonsense') { client.verify('nonsense') }
attempt('exchange and refresh') do
  tokens = client.exchange(ENV.fetch('THIRD_PARTY_TOKEN'))
  client.verify(client.refresh(tokens.refresh_token).access_token)
end
attempt('refresh nonsense') { client.verify(client.refresh('nonsense').access_token) }
attempt('user') { client.user(token) }
