# frozen_string_literal: true

# Manages users, groups and OpenID clients, as a caller with the rights for it.

require 'google/protobuf/well_known_types'
require 'rownd/auth/v1/group_service_services_pb'
require 'rownd/auth/v1/oidc_client_service_services_pb'
require 'rownd/auth/v1/rownd_auth_services_pb'
require 'rownd/auth/v1/user_service_services_pb'

ID = 'tess'
EMAIL = 'tess@example.com'

# The services for administration. Nothing here is ever sent twice: each call is a write.
class Manager
  include Rownd::Auth::V1

  def initialize(client)
    @auth = client.stub(RowndAuth)
    @users = client.stub(UserService)
    @groups = client.stub(GroupService)
    @clients = client.stub(OidcClientService)
    @call = { metadata: client.metadata }
  end

  def create
    user = User.new(data: struct('email' => EMAIL, 'first_name' => 'Tess'))
    made = @users.create_user(CreateUserRequest.new(user_id: ID, user: user), **@call).user
    "#{made.id} #{made.data['email']}"
  end

  def update
    mask = Google::Protobuf::FieldMask.new(paths: ['data.first_name'])
    user = User.new(id: ID, data: struct('first_name' => 'Theresa'))
    request = UpdateUserRequest.new(user: user, update_mask: mask)
    @users.update_user(request, **@call).user.data['first_name']
  end

  # All pages: a page may have fewer users than it may hold, and still have a next one.
  def list
    found = []
    request = ListUsersRequest.new(user_ids: ['ann', ID], page_size: 1)
    loop do
      page = @users.list_users(request, **@call)
      found.concat(page.users.map(&:id))
      return found.join(',') if page.next_page_token.empty?

      request.page_token = page.next_page_token
    end
  end

  def add_to_group
    request = AddGroupMemberRequest.new(group_id: 'group_staff', user_id: ID, roles: ['editor'])
    member = @groups.add_group_member(request, **@call).member
    "#{member.user_id} #{member.roles.to_a.join(',')}"
  end

  # The link signs in everybody who opens it: it is for the user's mailbox, and for no log.
  def link
    request = CreateSignInLinkRequest.new(
      email: EMAIL, redirect_url: 'https://example.com/welcome'
    )
    answer = @users.create_sign_in_link(request, **@call)
    answer.link.empty? ? 'none' : "for #{answer.user_id}"
  end

  def openid_client
    config = OidcClientConfig.new(redirect_uris: ['https://example.com/callback'])
    client = OidcClient.new(name: 'Web', config: config)
    made = @clients.create_oidc_client(
      CreateOidcClientRequest.new(oidc_client: client), **@call
    ).oidc_client
    # Keep the secret now: no other answer has it.
    first = !made.credentials[0].secret.empty?
    read = @clients.get_oidc_client(GetOidcClientRequest.new(id: made.id), **@call)
    later = !read.oidc_client.credentials[0].secret.empty?
    @clients.delete_oidc_client(DeleteOidcClientRequest.new(id: made.id), **@call)
    "secret at first #{first}, later #{later}"
  end

  def disable
    @users.disable_user(DisableUserRequest.new(user_id: ID), **@call).user.state
  end

  def sign_out
    @users.sign_out_user(SignOutUserRequest.new(user_id: ID), **@call)
    'done'
  end

  def delete
    @users.delete_user(DeleteUserRequest.new(user_id: ID), **@call)
    'done'
  end

  def user
    @auth.get_user(GetUserRequest.new(user_id: ID), **@call).user.id
  end

  private

  def struct(fields)
    Google::Protobuf::Struct.from_hash(fields)
  end
end

def manage(client)
  manager = Manager.new(client)
  attempt('create') { manager.create }
  attempt('create again') { manager.create }
  attempt('update') { manager.update }
  attempt('list') { manager.list }
  attempt('add to group') { manager.add_to_group }
  attempt('sign-in link') { manager.link }
  attempt('OpenID client') { manager.openid_client }
  attempt('disable') { manager.disable }
  attempt('sign out') { manager.sign_out }
  attempt('delete') { manager.delete }
  attempt('user') { manager.user }
end
